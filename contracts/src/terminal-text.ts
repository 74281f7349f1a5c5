// biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what it removes.
const CODES = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g

/** A text without the control sequences of terminals: colours, cursor moves, links. What remains is what a terminal shows, and what a search finds. */
export const withoutTerminalCodes = (text: string): string => (text.includes('\u001b') ? text.replace(CODES, '') : text)

/** Whether a log line has a text, as it is written or as a terminal shows it. */
export function hasText(line: { readonly message: string; readonly fields?: unknown }, text: string): boolean {
  const { message, fields } = line
  return (
    message.includes(text) ||
    withoutTerminalCodes(message).includes(text) ||
    (fields !== undefined && JSON.stringify(fields).includes(text))
  )
}
