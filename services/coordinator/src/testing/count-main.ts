// A process that is made to be killed: `node count-main.js <broker> <store URL>` counts ended runs, round after round, and prints `counted` after each.
import { writeSync } from 'node:fs'
import { connectBroker, systemClock } from '@carillon/runtime'
import { createTestLog } from '@carillon/runtime/testing'
import { openStore } from '@carillon/store'
import { CountEnds } from '../stats/count-ends.ts'
import { PublishedEnds } from '../stats/published-ends.ts'
import { endedEvents } from '../stats/read-ends.ts'

const [servers = '', url = ''] = process.argv.slice(2)
const { log } = createTestLog()
const broker = await connectBroker({ nats: { servers }, name: 'count', log })
const counter = new CountEnds({
  events: endedEvents(broker, new PublishedEnds({ isCounting: () => true })),
  store: await openStore(url),
  shares: () => [0],
  clock: systemClock,
  log,
})
for (;;) {
  await counter.round(new AbortController().signal)
  writeSync(1, 'counted\n')
}
