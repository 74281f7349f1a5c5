import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ERROR_CODES, type ErrorCode } from '@carillon/contracts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { reportFailure } from './failure.ts'
import { CARILLON } from './own-command.ts'
import { createProgram } from './program.ts'

/** What a command line that cannot succeed answers, without a broker. */
async function fail(line: string[], env: Record<string, string> = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', '']
  const surroundings = {
    argv: line,
    env,
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
  }
  const program = createProgram()
  const write = (text: string) => (stdout += text)
  const mute = (command: typeof program) => {
    command.configureOutput({ writeOut: write, writeErr: write, outputError: () => undefined })
    for (const child of command.commands) mute(child)
  }
  mute(program)
  try {
    await program.parseAsync(line, { from: 'user' })
  } catch (error) {
    return { code: reportFailure(error, surroundings), stdout, stderr }
  }
  throw new Error('it did not fail')
}

describe('wrong input', () => {
  for (const [line, words] of [
    ['rnu hello', ["unknown command 'rnu'", 'Did you mean run?']],
    ['jobs lsit', ["unknown command 'lsit'", 'Did you mean list?']],
    ['run hello --dely 5s', ["unknown option '--dely'", 'Did you mean --delay?']],
    ['run', ["missing required argument 'job-or-handler'"]],
    ['run a b c', ['too many arguments']],
    ['run a.b', ['INVALID_NAME', '"a.b"', 'letters, digits']],
    ['run hello {', ['INVALID_JSON']],
    ['run hello --delay x', ['INVALID_DELAY', 'field: --delay', 'value: "x"']],
    ['run hello --delay 5s --at 2030-01-01T00:00:00Z', ['--delay and --at exclude each other']],
    ['run hello --namespace a.b', ['INVALID_NAME', 'namespace']],
    ['run hello --nats http://x', ['--nats is wrong']],
    ['jobs put x --cron * --every 5s', ['--cron and --every exclude each other']],
    ['jobs put x --timezone UTC', ['--timezone goes with --cron']],
    ['jobs put x --misfire often', ['Use once, skip or all.']],
    ['run hello --labels gpu=true,gpu=false', ['--labels is wrong', 'Give label "gpu" once.']],
    ['run hello --labels gpu=true --labels gpu=false', ['--labels is wrong']],
    ['runs list --state done', ['--state is wrong', 'queued']],
    ['runs list --since yesterday', ['INVALID_DATE', 'field: --since', '1h']],
    ['runs list --handler a.b', ['INVALID_NAME', '--handler']],
    ['runs list --service=', ['INVALID_NAME', '--service']],
    ['runs list --key=', ['INVALID_REQUEST', '--key is empty']],
    ['logs abc -f --newest', ['--newest']],
    ['up --port 70000', ['--port is wrong']],
    ['up --data=', ['INVALID_REQUEST: --data is empty', 'field: --data', 'value: ""', 'hint: ']],
    ['up --store=', ['--store is empty', 'sqlite:']],
    ['up --host=', ['--host is empty', '127.0.0.1']],
    ['coordinator --store=', ['--store is empty']],
    ['runs list --nats=', ['--nats is wrong: ""']],
    ['runs list --namespace=', ['INVALID_NAME', 'value: ""']],
    ['health nobody', ['Use coordinator, registry, logger or gateway.']],
  ] as const) {
    it(`${line}: exit code 2 and what would be right`, async () => {
      const { code, stdout, stderr } = await fail(line.split(' '))
      assert.equal(code, EXIT.wrongInput)
      assert.equal(stdout, '')
      for (const word of words) assert.ok(stderr.includes(word), `${JSON.stringify(stderr)} lacks ${word}`)
      assert.doesNotMatch(stderr, /^ +at /m)
    })
  }

  for (const [line, help] of [
    ['nothing-like-it', `${CARILLON} --help`],
    ['run', `${CARILLON} run --help`],
    ['jobs put', `${CARILLON} jobs put --help`],
    ['jobs nothing-like-it', `${CARILLON} jobs --help`],
    ['jobs put x --nothing-like-it', `${CARILLON} jobs put --help`],
  ] as const) {
    it(`${line}: names the help of the command at hand`, async () => {
      assert.match((await fail(line.split(' '))).stderr, new RegExp(`hint: See ${help}\\.\n`))
    })
  }

  it('is an object for programs', async () => {
    const { code, stdout, stderr } = await fail(['run', 'hello', '--delay', 'x', '--json'])
    assert.deepEqual([code, stderr], [EXIT.wrongInput, ''])
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'INVALID_DELAY')
  })

  it('shows stack traces with CARILLON_DEBUG=1 only', async () => {
    assert.match((await fail(['run', 'a.b'], { CARILLON_DEBUG: '1' })).stderr, /^ +at /m)
  })

  it('of a noun without its verb shows the help', async () => {
    const { code, stdout } = await fail(['jobs'])
    assert.equal(code, EXIT.wrongInput)
    assert.match(stdout, /Usage: carillon jobs/)
  })
})

describe('help and version', () => {
  for (const line of ['--help', 'run --help', '--version', 'jobs put -h']) {
    it(`${line} is no failure`, async () => assert.equal((await fail(line.split(' '))).code, EXIT.ok))
  }
})

describe('the help of a service', () => {
  for (const service of ['coordinator', 'registry', 'logger'])
    it(`${service} has no options that mean nothing there`, async () => {
      const { stdout } = await fail([service, '--help'])
      assert.match(stdout, /--nats <url>/)
      assert.doesNotMatch(stdout, /--namespace|--json/)
    })
})

describe('exit codes', () => {
  it('tell wrong input, what is away, and the rest apart', () => {
    const codes = (wanted: number) => (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => exitCodeOf(code) === wanted)
    assert.ok(codes(EXIT.wrongInput).includes('INVALID_CRON'))
    assert.ok(codes(EXIT.unreachable).includes('NO_SERVICE'))
    assert.ok(codes(EXIT.failed).includes('RUN_NOT_FOUND'))
    assert.deepEqual(codes(EXIT.ok), [])
  })
})
