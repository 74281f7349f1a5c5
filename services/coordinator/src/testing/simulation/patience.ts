import { settle } from '@carillon/runtime/testing'

const TURNS = 5

/** So many turns of the event loop; whatever needs no time is done by then. */
export async function patience(): Promise<undefined> {
  for (let i = 0; i < TURNS; i++) await settle()
  return undefined
}
