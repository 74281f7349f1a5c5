/**
 * A payment in durable steps, by an executor that is killed at every point: before a step, after what it does and before that is stored, after the
 * last one. Another executor goes on where the first was: no payment is lost, none is made twice.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { connect, type TaskContext } from '@carillon/sdk'

const STEPS = ['reserve', 'charge', 'mail'] as const
const POINTS = [...STEPS.flatMap((step) => [`before ${step}`, `within ${step}`]), 'after the last step']
const [, , role, file = ''] = process.argv
const servers = process.env['CARILLON_NATS_URL']

/** The outside world. A request with a key is executed once, however often it is sent: so a step whose end was not stored may be repeated. */
function openBank(path: string): DatabaseSync {
  const bank = new DatabaseSync(path, { timeout: 10_000 })
  bank.exec(
    'create table if not exists payments (key text primary key) without rowid; create table if not exists asked (key text not null)',
  )
  return bank
}

/** Pays, and dies at a point on the way. */
const pay = (bank: DatabaseSync, dieAt?: string) => async (ctx: TaskContext) => {
  const reach = (point: string) => point === dieAt && process.kill(process.pid, 'SIGKILL')
  for (const step of STEPS) {
    reach(`before ${step}`)
    await ctx.step(step, () => {
      const key = `${ctx.runId} ${step}`
      bank.prepare('insert into asked values (?)').run(key)
      bank.prepare('insert or ignore into payments values (?)').run(key)
      reach(`within ${step}`)
    })
  }
  reach('after the last step')
  return { paid: true }
}

if (role !== undefined) await offer(role)
else await main()

/** An executor: of one handler, to be killed, or of all of them. */
async function offer(which: string): Promise<void> {
  const bank = openBank(file)
  const mesh = await connect({ servers, service: 'payments' })
  for (const [i, point] of POINTS.entries()) {
    if (which === 'all') mesh.handle(`pay-${i}`, pay(bank))
    else if (which === String(i)) mesh.handle(`pay-${i}`, pay(bank, point))
  }
  await mesh.start()
  process.send?.('ready')
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'payment-'))
  const path = join(folder, 'bank.db')
  const bank = openBank(path)
  const start = (which: string) => fork(import.meta.filename, [which, path])
  const doomed = POINTS.map((_, i) => start(String(i)))
  await Promise.all(doomed.map((executor) => once(executor, 'message')))
  const mesh = await connect({ servers, service: 'shop' })
  const runs = await Promise.all(POINTS.map((_, i) => mesh.client.run(`pay-${i}`)))
  await Promise.all(doomed.map((executor) => once(executor, 'exit')))
  console.log(`${doomed.length} executors were killed`)
  const heir = start('all')
  await once(heir, 'message')
  for (const [i, run] of runs.entries()) {
    await run.result({ timeoutMs: 60_000 })
    const asked = STEPS.map((step) => bank.prepare('select count(*) as times from asked where key = ?').get(`${run.id} ${step}`)?.['times'])
    console.log(`killed ${POINTS[i]}: ${STEPS.map((step, k) => `${step} asked ${asked[k]}×`).join(', ')}`)
  }
  console.log(
    `${bank.prepare('select count(*) as payments from payments').get()?.['payments']} of ${STEPS.length * POINTS.length} made, each once`,
  )
  heir.kill()
  await once(heir, 'exit')
  await mesh.stop()
  bank.close()
  rmSync(folder, { recursive: true })
}
