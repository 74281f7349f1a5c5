import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endWithWrapper } from './wrapper.ts'

/** A process whose parent can go. */
function own(env: Record<string, string>) {
  let heard: (signal: string) => void = () => undefined
  const signal = new Promise<string>((resolve) => (heard = resolve))
  const process = { env, pid: 7, ppid: 5, kill: (pid: number, name: NodeJS.Signals) => heard(`${pid} ${name}`) }
  return { process, signal }
}

for (const gone of ['shell', 'npm'] as const)
  test(`below npm, the ${gone} that is gone is a terminal that was closed`, async () => {
    const { process, signal } = own({ npm_command: 'exec' })
    const parents = { 5: 3 } as Record<number, number>
    endWithWrapper(process, (pid) => parents[pid])
    if (gone === 'shell') process.ppid = 1
    else parents[5] = 1
    // Its timer keeps no process alive.
    const alive = setInterval(() => undefined, 1_000)
    assert.equal(await signal, '7 SIGHUP')
    clearInterval(alive)
  })
