// The one place where text becomes markup: what the server has written, and templates of the page itself. Browsers that
// know Trusted Types refuse it everywhere else (the policy is named in lab/web/headers.py).
const policy = globalThis.trustedTypes?.createPolicy("lab", { createHTML: (text) => text });

export const markup = (text) => policy?.createHTML(text) ?? text;
