// A passkey: the browser asks for it, and its answer leaves in a hidden field of an ordinary form.
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// The options as JSON hold bytes as text; the browser wants them as bytes.
function read(json) {
  const options = JSON.parse(json);
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    options[list] = (options[list] ?? []).map((item) => ({ ...item, id: bytes(item.id) }));
  }
  return options;
}

function write(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = text(credential.response[part]);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

function ask(form) {
  const publicKey = read(form.dataset.options);
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey })
    : navigator.credentials.get({ publicKey });
}

function enhance(form) {
  const field = form.querySelector("[data-credential]");
  const status = form.querySelector("[role=status]");
  let asking = false;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (asking) return;
    asking = true;
    status.textContent = "";
    try {
      field.value = write(await ask(form));
      form.submit();
    } catch (error) {
      status.textContent =
        { InvalidStateError: form.dataset.twice, SecurityError: form.dataset.elsewhere }[error.name] ?? form.dataset.stopped;
    } finally {
      asking = false;
    }
  });
}

export function start(forms) {
  if (!window.PublicKeyCredential) return;
  forms.forEach(enhance);
  for (const note of document.querySelectorAll("[data-without-passkey]")) note.hidden = true;
}
