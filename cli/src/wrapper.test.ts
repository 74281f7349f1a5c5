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
    endWithWrapper(process, { parentOf: (pid) => parents[pid], commandOf: () => 'sh -c carillon' })
    if (gone === 'shell') process.ppid = 1
    else parents[5] = 1
    // Its timer keeps no process alive.
    const alive = setInterval(() => undefined, 1_000)
    assert.equal(await signal, '7 SIGHUP')
    clearInterval(alive)
  })

const STARTS = [
  { command: 'exec', ppid: 1, parent: '/sbin/init', ends: true, what: 'npx was ended before its command had been loaded' },
  { command: 'exec', ppid: 9, parent: '/usr/lib/systemd/systemd --user', ends: true, what: 'the same in a session of systemd' },
  { command: 'exec', ppid: 1, parent: 'npm exec carillon up', ends: false, what: 'npx is the first process of a container' },
  { command: 'exec', ppid: 5, parent: 'sh -c carillon up', ends: false, what: 'the shell of npx lives' },
  { command: 'run-script', ppid: 1, parent: '/sbin/init', ends: false, what: 'a script has started it in the background' },
]
for (const { command, ppid, parent, ends, what } of STARTS)
  test(`at its start: ${what}`, () => {
    const killed: string[] = []
    const own = { env: { npm_command: command }, pid: 7, ppid, kill: (pid: number, name: NodeJS.Signals) => killed.push(`${pid} ${name}`) }
    endWithWrapper(own, { parentOf: () => 3, commandOf: () => parent })
    assert.deepEqual(killed, ends ? ['7 SIGHUP'] : [])
  })
