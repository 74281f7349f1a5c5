import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { within } from '@carillon/wire/testing'
import { startBroker } from '../support/broker.ts'
import { startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { oldBroker, silentServer } from '../support/foreign-server.ts'

/** Six times the time limit of a first connection: on a busy machine most of it is the start of the process. */
const END_WITHIN_MS = 60_000

describe('a broker that will not do', { concurrency: 5 }, () => {
  const brokers = {
    silent: { code: 'NATS_UNAVAILABLE', start: silentServer },
    'without JetStream': {
      code: 'JETSTREAM_MISSING',
      start: async (cleanup: Cleanup) => (await startBroker(cleanup, { jetStream: false })).url,
    },
    'too old': { code: 'NATS_TOO_OLD', start: oldBroker },
  } as const
  for (const [what, { code, start }] of Object.entries(brokers))
    for (const [args, exitCode] of [
      [['run', 'hello'], 3],
      [['jobs', 'list'], 3],
      [['demo'], 3],
      [['registry'], 3],
      [['doctor'], 1],
    ] as const)
      test(`${what}: carillon ${args.join(' ')} says so and ends`, async (context) => {
        const cleanup = new Cleanup(context)
        const cli = startCli(cleanup, [...args, '--nats', await start(cleanup)])
        assert.deepEqual(await within(END_WITHIN_MS, 'it ends', cli.exited), { code: exitCode, signal: null }, cli.stderr())
        if (exitCode === 3) assert.match(cli.stderr(), new RegExp(`^error ${code}: .*\n( +field: .*\n)?( +value: ".*"\n)? +hint: `, 'm'))
        else assert.match(cli.stdout(), /✗ broker: .*\n +→ .*\nWrong: broker\n$/)
      })
})
