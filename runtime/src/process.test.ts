import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'

const PROCESS = new URL('./process.js', import.meta.url).href
const LOGGER = new URL('./logger.js', import.meta.url).href

/** A process that runs `start`; it says `begun` when its handlers of signals are there. */
function run(
  context: TestContext,
  start: string,
  stopWithinMs = 60_000,
): { child: ChildProcess; says: (text: string) => Promise<void>; output: () => string } {
  const code = `
    import { runProcess } from '${PROCESS}'
    import { createLogger } from '${LOGGER}'
    const forever = new Promise(() => {})
    const alive = setInterval(() => {}, 1e6)
    setImmediate(() => console.log('begun'))
    await runProcess(${start}, createLogger({ name: 'test' }), { stopWithinMs: ${stopWithinMs} })
    clearInterval(alive)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  context.after(() => child.kill('SIGKILL'))
  let output = ''
  const listeners = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    for (const listener of listeners) listener()
  })
  const says = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => output.includes(text) && resolve()
      listeners.add(look)
      look()
    })
  return { child, says, output: () => output }
}

const exitOf = async (child: ChildProcess) => (await once(child, 'exit')) as [number | null, string | null]
const IDLE = 'async () => ({ stop: async () => undefined })'

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  test(`${signal} stops it in order`, async (context) => {
    const { child, says } = run(context, IDLE)
    await says('begun')
    child.kill(signal)
    assert.deepEqual(await exitOf(child), [0, null])
  })

test('a start that hangs is given up after a signal', async (context) => {
  const { child, says } = run(context, '() => forever')
  await says('begun')
  child.kill('SIGTERM')
  assert.deepEqual(await exitOf(child), [143, null])
})

test('a second signal exits at once, also while it stops; SIGHUP is no second one', async (context) => {
  const { child, says } = run(context, '() => Promise.resolve({ stop: () => { console.log("stops"); return forever } })')
  await says('begun')
  child.kill('SIGTERM')
  await says('stops')
  child.kill('SIGHUP')
  const exited = exitOf(child)
  const again = setInterval(() => child.kill('SIGTERM'), 100)
  context.after(() => clearInterval(again))
  assert.deepEqual(await exited, [143, null])
})

test('a stop that hangs is given up after its time, with an error that has a code', async (context) => {
  const { child, says, output } = run(context, 'async () => ({ stop: () => forever })', 300)
  await says('begun')
  child.kill('SIGTERM')
  assert.deepEqual(await exitOf(child), [143, null])
  assert.match(output(), /"code":"STOP_TIMED_OUT"/)
})

test('an unhandled rejection is logged and ends nothing', async (context) => {
  const { child, says } = run(context, `async () => { Promise.reject(new Error('forgotten')); return { stop: async () => undefined } }`)
  await says('process.unhandled-rejection')
  child.kill('SIGTERM')
  assert.deepEqual(await exitOf(child), [0, null])
})
