import { bullmq } from './bullmq.ts'
import { carillon } from './carillon.ts'
import { floor } from './floor.ts'
import { graphileWorker } from './graphile.ts'
import type { Peer } from './peer.ts'
import { pgBoss } from './pg-boss.ts'

export const MONGODB = 'carillon-mongodb'

/** In the order of their turns. */
export const PEERS = {
  'carillon-sqlite': () => carillon(),
  [MONGODB]: () => carillon(process.env['CARILLON_TEST_MONGODB_URL']),
  floor: () => floor,
  bullmq: () => bullmq,
  'graphile-worker': () => graphileWorker('default'),
  'graphile-worker-tuned': () => graphileWorker('tuned'),
  'pg-boss': () => pgBoss,
} satisfies Record<string, () => Peer>
export type PeerName = keyof typeof PEERS
