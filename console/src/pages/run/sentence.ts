/** With a capital letter and a full stop; quotes of code stay. */
export function sentence(text: string): string {
  const trimmed = text.trim()
  const begun = trimmed.slice(0, 1).toUpperCase() + trimmed.slice(1)
  return /[.!?…`]$/.test(begun) || begun === '' ? begun : `${begun}.`
}
