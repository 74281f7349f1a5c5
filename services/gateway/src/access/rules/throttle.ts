/** Failed sign-ins that cost nothing: people mistype. */
const FREE = { account: 5, address: 20 } as const
/** Longest delay. That of an account is short: anyone can fail in its name, and its owner must get in. */
const LONGEST_MS = { account: 60_000, address: 900_000 } as const
const FIRST_MS = 1_000

/** For how long no further sign-in is tried after so many failures in a row. */
export function delayAfter(kind: keyof typeof FREE, failures: number): number {
  const beyond = failures - FREE[kind]
  return beyond < 0 ? 0 : Math.min(FIRST_MS * 2 ** Math.min(beyond, 20), LONGEST_MS[kind])
}
