import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { createProgram } from '../program.ts'

/** What `carillon executor …` refuses before it connects: nothing listens at this address. */
async function refusalOf(...words: string[]): Promise<CarillonError> {
  const typed = ['executor', ...words, '--nats', 'nats://127.0.0.1:1']
  const error = await createProgram()
    .parseAsync(typed, { from: 'user' })
    .then(
      () => assert.fail('it was not refused'),
      (thrown: unknown) => thrown,
    )
  assert.ok(CarillonError.is(error), String(error))
  return error
}

test('options that do not fit are refused by their name, their value and what would be right', async () => {
  for (const [words, field, value, hint] of [
    [[], undefined, undefined, /--http, --command or --sharding-demo/],
    [['--command', '--allow', 'ls', '--secret', 'API_TOKEN'], '--secret', '"API_TOKEN"', /give --http, too/],
    [['--sharding-demo', '--allow-private'], '--allow-private', '"true"', /give --http, too/],
    [['--sharding-demo', '--proxy'], '--proxy', '"true"', /give --http, too/],
    [['--http', '0'], '--http', '"0"', /from 1 to/],
    [['--http', '--secret', 'NO_SUCH_VARIABLE'], '--secret', '"NO_SUCH_VARIABLE"', /Set the variable NO_SUCH_VARIABLE/],
    [['--http', '--secret', 'A,'], '--secret', '""', /Give names of variables/],
    [['--http', '--secret', 'CARILLON_NATS_TOKEN'], '--secret', '"CARILLON_NATS_TOKEN"', /for no one else/],
    [['--http', '--proxy'], '--proxy', undefined, /Set HTTP_PROXY or HTTPS_PROXY/],
    [['--command'], '--allow', undefined, /--allow 'rsync,/],
    [['--allow', 'ls'], '--allow', '"ls"', /give --command, too/],
    [['--sharding-demo', '--env', 'HOME'], '--env', '"HOME"', /give --command, too/],
    [['--command', '0', '--allow', 'ls'], '--command', '"0"', /from 1 to/],
    [['--sharding-demo', 'many'], '--sharding-demo', '"many"', /from 1 to/],
    [['--command', '--allow', 'ls,'], '--allow', '""', /An entry is empty/],
    [['--command', '--allow', 'ls', '--allow', './no/such/file'], '--allow', '"./no/such/file"', /is no executable file/],
    [['--command', '--allow', 'ls', '--env', 'HOME,A=B'], '--env', '"A=B"', /Give names of variables/],
    [['--command', '--allow', 'ls', '--env', 'CARILLON_NATS_PASSWORD'], '--env', '"CARILLON_NATS_PASSWORD"', /for no one else/],
  ] as const) {
    const { code, details } = await refusalOf(...words)
    assert.deepEqual([code, details.field, details.value], ['INVALID_REQUEST', field, value], words.join(' '))
    assert.match(details.hint ?? '', hint)
  }
})

test('options that fit lead to the broker', async () => {
  const { code } = await refusalOf(
    '--command',
    '2',
    '--allow',
    'ls,sort -r',
    '--allow',
    '/bin/*',
    '--env',
    'HOME',
    '--http',
    '--sharding-demo',
  )
  assert.equal(code, 'NATS_UNAVAILABLE')
})
