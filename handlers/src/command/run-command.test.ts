import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { testMesh } from '@carillon/sdk/testing'
import { systemClock } from '@carillon/wire/internal'
import { eventually } from '@carillon/wire/testing'
import { AllowList } from './allow-list.ts'
import { type CommandPayload, commandHandler } from './command-definition.ts'
import { commandRunner } from './run-command.ts'
import { folderFor, script } from './testing-files.ts'

const env = new Map([
  ['GREETING', 'from the executor'],
  ['EMPTY', undefined],
])

/** A mesh whose executor allows the scripts of a folder, which holds one named `it` with this text. */
function meshWith(t: TestContext, text: string) {
  const folder = folderFor(t)
  script(folder, 'it', text)
  const allow = AllowList.parse(`${folder}/*`, { field: '--allow', path: '', cwd: '/' })
  return testMesh().handle(commandHandler, commandRunner({ allow, env, clock: systemClock }))
}

const runIt = async (t: TestContext, text: string, payload: Partial<CommandPayload> = {}) =>
  (await meshWith(t, text).start(commandHandler, { command: 'it', ...payload })).ended()

test('a result has code, time and the last lines; every line is logged, what comes by stderr as a warning', async (t) => {
  const run = await runIt(t, 'i=0; while [ $i -lt 30 ]; do echo line $i; i=$((i+1)); done; echo careful >&2')
  const { code, signal, durationMs, lines } = run.result
  assert.deepEqual([code, signal, lines.length], [0, null, 20])
  assert.ok(durationMs > 0 && Number.isInteger(durationMs))
  assert.ok(lines.includes('line 29') && lines.includes('careful') && !lines.includes('line 5'))
  assert.equal(run.logs.length, 31)
  assert.deepEqual(
    run.logs.filter(({ level }) => level === 'warn').map(({ message }) => message),
    ['careful'],
  )
})

test('the exit code decides', async (t) => {
  const failed = await runIt(t, 'echo it is full >&2; exit 3')
  assert.deepEqual([failed.state, failed.reason], ['failed', 'handler-error'])
  assert.equal(failed.failure?.message, 'it ended with code 3; its last lines:\nit is full')
  const long = await runIt(t, 'i=0; while [ $i -lt 30 ]; do printf "%01000d\\n" $i; i=$((i+1)); done; exit 1')
  assert.ok((long.failure?.message ?? '').endsWith('0029') && (long.failure?.message.length ?? 0) < 2_200)
  assert.equal((await runIt(t, 'exit 3', { successCodes: [0, 3] })).result.code, 3)
  assert.equal((await runIt(t, 'exit 0', { successCodes: [3] })).state, 'failed')
  assert.equal(
    (await runIt(t, 'kill -KILL $$', { successCodes: [0, 137] })).failure?.message,
    'it was ended by SIGKILL and printed nothing',
  )
})

test('another attempt may succeed', async (t) => {
  const run = await meshWith(t, 'test $CARILLON_ATTEMPT = 2').start(commandHandler, { command: 'it' }, { attempts: 3 })
  await run.ended()
  assert.deepEqual([run.state, run.attempt], ['succeeded', 2])
})

test('folder, input, variables and what a program may know of its task', async (t) => {
  const text = 'pwd; cat; echo; echo $GREETING $EMPTY; echo $CARILLON_RUN_ID $CARILLON_ATTEMPT $CARILLON_SHARD_TOTAL-; env | grep -c ^HOME='
  const run = await runIt(t, text, { cwd: '/usr', stdin: 'typed', env: { EMPTY: 'no more' }, successCodes: [1] })
  assert.deepEqual(run.result.lines, [realpathSync('/usr'), 'typed', 'from the executor no more', `${run.id} 1 -`, '0'])
  const shards = await meshWith(t, 'echo $CARILLON_SHARD_INDEX of $CARILLON_SHARD_TOTAL').run(
    commandHandler,
    { command: 'it' },
    { shards: 2 },
  )
  assert.deepEqual(
    shards.tasks.map(({ result }) => (result as { lines: string[] }).lines[0]),
    ['0 of 2', '1 of 2'],
  )
})

test('lines of progress are progress', async (t) => {
  const run = await runIt(t, 'echo ::progress 40 half of it; echo ::progress 400; echo ::progress soon; echo ::progress 100')
  assert.deepEqual(run.progress, [{ percent: 40, note: 'half of it' }, { percent: 100 }])
  assert.deepEqual(run.result.lines, ['::progress 400', '::progress soon'])
})

test('a cancelled run ends its program', async (t) => {
  const run = await meshWith(t, 'echo ready; exec sleep 600').start(commandHandler, { command: 'it' })
  await eventually('it has started', () => run.logs.length === 1)
  run.cancel()
  await run.ended()
  assert.equal(run.state, 'cancelled')
})

test('a payload that is wrong is refused by its field, without a retry', async (t) => {
  const mesh = meshWith(t, 'true')
  for (const [payload, message] of [
    [null, /expected object/],
    [{}, /^command: /],
    [{ command: '' }, /^command: /],
    [{ command: 'a/b' }, /^command: must be a name without "\/" or an absolute path/],
    [{ command: 'it\0' }, /^command: contains the character NUL/],
    [{ command: 'it', args: '-l' }, /^args: .*expected array/],
    [{ command: 'it', args: ['a', 1] }, /^args\.1: .*expected string/],
    [{ command: 'it', args: ['\0'] }, /^args\.0: contains the character NUL/],
    [{ command: 'it', cwd: 'tmp' }, /^cwd: /],
    [{ command: 'it', env: { ['__proto__']: '1' } }, /^env\.__proto__: Use another name/],
    [{ command: 'it', env: { 'A=B': '1' } }, /^env\.A=B: is no name of a variable/],
    [{ command: 'it', successCodes: [] }, /^successCodes: /],
    [{ command: 'it', successCodes: [256] }, /^successCodes\.0: /],
    [{ command: 'it', shell: true }, /"shell"/],
  ] as const) {
    const run = await mesh.run('command', payload, { attempts: 3 })
    assert.deepEqual([run.state, run.reason, run.attempt], ['failed', 'invalid-payload', 1], JSON.stringify(payload))
    assert.match(run.failure?.message ?? '', message)
  }
})

test('what this executor does not allow is refused by its field, without a retry', async (t) => {
  const mesh = meshWith(t, 'true')
  for (const [payload, message] of [
    [{ command: 'rm', args: ['-r', '/'] }, /^command is wrong: "rm"\. This executor allows: \/.*\/\*\.$/],
    [{ command: 'it; rm' }, /^command is wrong: "it; rm"\..* No shell reads a command/],
    [{ command: '/bin/sh', args: ['-c', 'true'] }, /^command is wrong: "\/bin\/sh"/],
    [{ command: 'it', env: { LD_PRELOAD: '/tmp/x.so' } }, /^env is wrong: "LD_PRELOAD"\. This executor allows: GREETING, EMPTY\.$/],
    [{ command: 'it', cwd: '/no/such/folder' }, /^cwd is wrong: "\/no\/such\/folder"\. Give the absolute path of a folder/],
  ] as const) {
    const run = await mesh.run('command', payload, { attempts: 3 })
    assert.deepEqual([run.state, run.reason, run.attempt], ['failed', 'non-retryable', 1], JSON.stringify(payload))
    assert.match(run.failure?.message ?? '', message)
  }
})
