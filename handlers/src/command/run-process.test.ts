import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '@carillon/wire/internal'
import { eventually, FakeClock, within } from '@carillon/wire/testing'
import { type Program, runProcess } from './run-process.ts'
import { folderFor } from './testing-files.ts'

const NODE = process.execPath
const PATH = '/usr/bin:/bin'

interface Given extends Partial<Program> {
  readonly clock?: FakeClock
  readonly signal?: AbortSignal
  readonly onLine?: (line: string, stream: string) => void
}

function start(text: string, { clock, signal = new AbortController().signal, onLine, ...program }: Given = {}) {
  const lines: string[] = []
  const keep = (line: string, stream: string) => {
    lines.push(line)
    onLine?.(line, stream)
  }
  const whole = { path: '/bin/sh', args: ['-c', text], cwd: undefined, env: { PATH }, stdin: '', ...program }
  return { lines, ended: runProcess(whole, { clock: clock ?? systemClock, signal, onLine: keep }) }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Processes that the test made, by their numbers in lines such as `pid 123`; killed at its end, however it ends. */
function pidsIn(t: TestContext, lines: readonly string[]): number[] {
  const pids = lines.flatMap((line) => /^pid (\d+)$/.exec(line)?.slice(1).map(Number) ?? [])
  t.after(() => {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  return pids
}

const gone = (pids: readonly number[]) => eventually('the processes are gone', () => pids.length > 0 && !pids.some(isAlive))

test('the exit code, both outputs, arguments as they are, and an environment with nothing else', async () => {
  const args = ['-c', 'printf "%s\\n" "$@"; cat; env; echo problem >&2; exit 7', 'x', 'a b', '$HOME;`id`', "'", '']
  const kinds: string[] = []
  const { lines, ended } = start('', { args, stdin: 'some input', onLine: (_line, stream) => kinds.push(stream) })
  assert.deepEqual(await ended, { code: 7, signal: null })
  assert.deepEqual(lines.slice(0, 4), ['a b', '$HOME;`id`', "'", ''])
  assert.ok(lines.includes('problem') && kinds.includes('stderr'))
  const environment = lines.flatMap((line) => /(?:^|some input)(\w+)=/.exec(line)?.slice(1) ?? [])
  assert.deepEqual(
    environment.filter((name) => !['PATH', 'PWD', '_', 'SHLVL', 'OLDPWD'].includes(name)),
    [],
  )
})

test('a signal that ended it, and a program that cannot be started', async () => {
  assert.deepEqual(await start('kill -SEGV $$').ended, { code: null, signal: 'SIGSEGV' })
  assert.deepEqual(await start('', { path: '/no/such/program' }).ended, { code: 127, signal: null })
  await assert.rejects(start('', { cwd: '/no/such/folder' }).ended, { code: 'ENOENT' })
})

test('a program that waits for all its children waits for its own alone', async () => {
  const waits = 'sub wait_all { 1 while wait() > 0 } fork() or exit 0; wait_all(); print "waited\\n"'
  const { lines, ended } = start('', { path: '/usr/bin/perl', args: ['-e', waits] })
  assert.deepEqual(await within(5_000, 'it ends', ended), { code: 0, signal: null })
  assert.deepEqual(lines, ['waited'])
})

test('bash does not take it for a remote login, which would read ~/.bashrc', async (t) => {
  const home = folderFor(t)
  writeFileSync(join(home, '.bashrc'), 'echo read')
  const { lines, ended } = start('', { path: '/bin/bash', args: ['-c', 'cat'], env: { PATH, HOME: home }, stdin: 'input' })
  await ended
  assert.deepEqual(lines, ['input'])
})

test('a program without input, and one that does not read it', async () => {
  assert.deepEqual(await start('cat /dev/stdin').ended, { code: 0, signal: null })
  assert.deepEqual(await start('exec 0<&-; echo done', { stdin: 'x'.repeat(400_000) }).ended, { code: 0, signal: null })
})

test('letters of several bytes arrive whole, whatever the pieces; 100 MB do not stop it', async () => {
  const line = 'żółć €'.repeat(10)
  // 121 bytes a line.
  const [pieces, linesOfPiece] = [83, 10_000]
  const program = `const piece = '${line}\\n'.repeat(${linesOfPiece}); let left = ${pieces}
    const more = () => left-- > 0 ? process.stdout.write(piece, more) : 0; more()`
  let [count, wrong] = [0, 0]
  const onLine = (given: string) => {
    count++
    if (given !== line) wrong++
  }
  const quiet = { path: NODE, args: ['-e', program], cwd: undefined, env: {}, stdin: '' }
  const ended = await runProcess(quiet, { clock: systemClock, signal: new AbortController().signal, onLine })
  assert.deepEqual([ended.code, count, wrong], [0, pieces * linesOfPiece, 0])
})

test('output without a line end comes in lines of a limited length', async () => {
  const { lines, ended } = start('head -c 1000000 /dev/zero | tr "\\0" x')
  await ended
  assert.equal(lines.join('').length, 1_000_000)
  assert.ok(lines.length > 300 && lines.every(({ length }) => length <= 2_700))
})

test('a process that holds the pipes does not hold the task, and is ended', async (t) => {
  const clock = new FakeClock()
  // The program ends; what it started keeps both of its outputs open.
  const { lines, ended } = start('sleep 600 & echo pid $!; printf unended; exit 3', { clock })
  const [pid] = await eventually('it has started', () => lines.length === 1 && pidsIn(t, lines))
  await eventually('the program has ended: its pipes are waited for', () => clock.armed === 1)
  assert.ok(isAlive(pid as number))
  await clock.advance(1_000)
  assert.deepEqual(await ended, { code: 3, signal: null })
  assert.equal(lines.at(-1), 'unended')
  await gone([pid as number])
})

test('a process that holds no pipe is ended, too', async (t) => {
  const { lines, ended } = start('sleep 600 >/dev/null 2>&1 & echo pid $!')
  await ended
  await gone(pidsIn(t, lines))
})

test('an abort ends the program and all that it started', async (t) => {
  const controller = new AbortController()
  const { lines, ended } = start('(sleep 600 & echo pid $!; wait) & echo pid $!; echo pid $$; wait', { signal: controller.signal })
  const pids = await eventually('all have started', () => lines.length === 3 && pidsIn(t, lines))
  controller.abort(new Error('cancelled'))
  await assert.rejects(ended, /cancelled/)
  await gone(pids)
})

test('what ignores SIGTERM is killed after the grace', async (t) => {
  const [clock, controller] = [new FakeClock(), new AbortController()]
  // The trap waits for the end of its sleep, on which the signal may be lost: between its fork and its exec. So that is short.
  const LOOPS = "trap 'echo got TERM' TERM; echo pid $$; while :; do sleep 0.1; done"
  const { lines, ended } = start('sh -c "$LOOPS" & eval "$LOOPS"', { env: { PATH, LOOPS }, clock, signal: controller.signal })
  const pids = await eventually('both have started', () => lines.length === 2 && pidsIn(t, lines))
  controller.abort(new Error('cancelled'))
  await eventually('both got it', () => lines.filter((line) => line === 'got TERM').length === 2)
  assert.ok(pids.length === 2 && pids.every(isAlive))
  const isOver = assert.rejects(ended, /cancelled/)
  await clock.advance(3_000)
  await isOver
  await gone(pids)
  await assert.rejects(start('echo never', { signal: controller.signal }).ended, /cancelled/)
})

test('kill -9 of the executor leaves no process behind', async (t) => {
  const module = JSON.stringify(new URL('run-process.js', import.meta.url).href)
  const clock = JSON.stringify(import.meta.resolve('@carillon/wire/internal'))
  const text = '(trap "" TERM HUP INT; sleep 600 & echo pid $!; wait) & echo pid $!; echo pid $$; exec sleep 600'
  const program = `const { runProcess } = await import(${module}); const { systemClock: clock } = await import(${clock})
    const onLine = (line) => console.log(line)
    const program = { path: '/bin/sh', args: ['-c', ${JSON.stringify(text)}], env: { PATH: '/usr/bin:/bin' }, stdin: '' }
    await runProcess(program, { clock, signal: new AbortController().signal, onLine })`
  const executor = spawn(NODE, ['--input-type=module', '-e', program], {
    cwd: join(folderFor(t), '.'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => executor.kill('SIGKILL'))
  let output = ''
  executor.stdout.setEncoding('utf8').on('data', (piece: string) => {
    output += piece
  })
  const pids = await eventually('all have started', () => output.split('\n').length === 4 && pidsIn(t, output.split('\n')))
  assert.ok(pids.length === 3 && pids.every(isAlive))
  executor.kill('SIGKILL')
  await once(executor, 'exit')
  await gone(pids)
})
