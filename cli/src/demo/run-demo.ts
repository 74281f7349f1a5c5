import { VERSION } from '@carillon/contracts'
import { connect, type NatsSettings } from '@carillon/sdk'
import { stopAndExit } from '../stop-and-exit.ts'
import { flaky, hello, report, slow } from './handlers.ts'

const [DRAIN_MS, DRAIN_BELOW_UP_MS] = [30_000, 2_000]

/** Offers the demo handlers until a signal comes, or until the process that started this one is gone. */
export async function runDemo({ nats, namespace }: { nats: NatsSettings; namespace: string }): Promise<void> {
  // Below `carillon up` a person waits for the end: what runs is released soon, and continues at the next start.
  const drainMs = process.send === undefined ? DRAIN_MS : DRAIN_BELOW_UP_MS
  const mesh = await connect({ ...nats, service: 'demo', namespace, version: VERSION, drainMs })
  mesh.handle('hello', hello, { concurrency: 10, description: 'Greets {name}' })
  mesh.handle('report', report, { concurrency: 10, description: 'Writes a pretend report of {day}' })
  mesh.handle('flaky', flaky, { concurrency: 10, description: 'Fails on its first two attempts' })
  mesh.handle('slow', slow, { concurrency: 10, description: 'Takes {ms}, 10,000 by default' })
  await mesh.start()
  // Notifies `carillon up`, if that started this process, that it is registered.
  process.send?.('registered')
  console.log('The demo executor offers hello, report, flaky and slow. Ctrl-C ends it.')
  // `carillon up` keeps a channel open to its demo: when that closes, for any reason, the demo ends.
  const end = () => stopAndExit(mesh)
  process.once('disconnect', end).once('SIGHUP', end)
}
