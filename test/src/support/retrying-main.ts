/**
 * A service with one retryable function and no handlers besides, as a process of its own. It calls the function for each message and answers with what it got. The function fails
 * while a file is there, and else writes a line for each call. Settings come from the environment; says "ready" when it is registered.
 */
import { appendFileSync, existsSync } from 'node:fs'
import { connect } from '@carillon/sdk'

const { URL: servers, NAMESPACE: namespace = '', OUTBOX: folder = '', DOWN: down = '', LEDGER: ledger = '' } = process.env

const mesh = await connect({ servers, namespace, service: 'shop', outbox: { folder }, onWarning: () => undefined })
const pay = mesh.retryable(
  {
    scene: 'pay',
    local: { attempts: 1 },
    attempts: 1_000,
    backoff: { type: 'fixed', delayMs: 50 },
    budget: { count: 100_000, periodMs: 60_000 },
    onSuccess: 'paid',
  },
  async (order: number) => {
    if (existsSync(down)) throw new Error('the bank is down')
    appendFileSync(ledger, `${order}\n`)
    return order
  },
)
await mesh.start()
process.on('message', (order) => {
  pay(Number(order)).then(
    (answer) => process.send?.({ order, answer }),
    (error: unknown) => process.send?.({ order, error: String(error) }),
  )
})
process.send?.('ready')
