// Offers the time zone that this device is set to, if the list has it. The reader can choose another.
export function start(selects) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const select of selects) {
    if ([...select.options].some((option) => option.value === zone)) select.value = zone;
  }
}
