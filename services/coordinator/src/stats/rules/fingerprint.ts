/** Longer messages differ at their ends by chance. */
const LETTERS = 120
const MASK = '…'

/** Parts of messages that differ from one failure to the next, the longer ones first. Each is a single class of letters, repeated: none backtracks. */
const VARIABLE: readonly RegExp[] = [
  // Addresses and paths.
  /\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s'"<>]+/gi,
  /(?:\/[\w.@-]+){2,}/g,
  // UUIDs, ids of runs, hashes.
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi,
  /\b(?=[a-z]*\d)[0-9a-z]{12,}\b/gi,
  /\b0x[0-9a-f]+\b/gi,
  /\d+(?:[.:,-]\d+)*/g,
]

/** Failures of the same cause have the same one: the name, and the message without what differs each time. */
export function fingerprintOf({ name, message }: { readonly name: string; readonly message: string }): string {
  const [line = ''] = message.slice(0, 4 * LETTERS).split('\n')
  const masked = VARIABLE.reduce((text, part) => text.replace(part, MASK), line)
  return `${name}: ${masked.slice(0, LETTERS)}`
}
