/** From 0 up to 1. */
export const chance = (): number => Math.random()

/** Letters that no other tab has chosen. `crypto.randomUUID` is missing on plain HTTP. */
export function freshId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
