/**
 * Payments by a bank that cannot be reached, requested by a service that may lose its broker, too, and be killed: each of them is made later, once.
 *
 *   node dist/retried-payment.js <folder> down    requests payments while the bank is down: each is deferred, to the mesh or to a file
 *   node dist/retried-payment.js <folder> up      the service again, when the bank is back: what was deferred is paid
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from '@carillon/sdk'

const [, , folder = '', bankIs = ''] = process.argv
const PAYMENTS = 30
const servers = process.env['CARILLON_NATS_URL']

/** The bank. A request with a key is executed once, however often it is sent: a try that was killed may have reached it. */
const bank = new DatabaseSync(join(folder, 'bank.db'), { timeout: 10_000 })
bank.exec('create table if not exists payments (key text primary key) without rowid')
const count = () => bank.prepare('select count(*) as count from payments').get()?.['count'] as number

const mesh = await connect({ servers, service: 'shop', outbox: { folder: join(folder, 'outbox') }, onWarning: () => undefined })
const pay = mesh.retryable(
  {
    scene: 'pay',
    local: { attempts: 2, delayMs: 20 },
    key: ({ order }) => `order-${order}`,
    attempts: 100,
    backoff: { type: 'fixed', delayMs: 200 },
  },
  async ({ order }: { order: number }) => {
    if (bankIs === 'down') throw new Error('the bank does not answer')
    bank.prepare('insert or ignore into payments values (?)').run(`order-${order}`)
    return { paid: order }
  },
)
await mesh.start()

if (bankIs === 'down') {
  for (let order = 1; order <= PAYMENTS; order++) {
    const answer = await pay({ order })
    console.log(
      'deferred' in answer ? `order ${order}: later, by run ${answer.deferred}, kept in the ${answer.keptIn}` : `order ${order}: paid`,
    )
    await pause(50)
  }
  console.log('all are requested')
} else {
  while (count() < PAYMENTS) await pause(50)
  console.log(`${count()} payments`)
  await mesh.stop()
}
