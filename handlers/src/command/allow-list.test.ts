import assert from 'node:assert/strict'
import { mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { NonRetryableError } from '@carillon/sdk'
import { AllowList } from './allow-list.ts'
import { folderFor, script } from './testing-files.ts'

const listOf = (text: string, given: { path?: string; cwd?: string } = {}) =>
  AllowList.parse(text, { field: '--allow', path: '/usr/bin:/bin', cwd: '/', ...given })
const refused = (field: string, pattern: RegExp) => (error: unknown) =>
  NonRetryableError.is(error) && error.message.startsWith(`${field} is wrong: `) && pattern.test(error.message)

test('what cannot be allowed is refused before anything starts, by the entry and what is wrong with it', (t) => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'text'), 'not executable')
  for (const [text, value, hint] of [
    ['', '""', /An entry is empty/],
    ['ls,,sort', '""', /An entry is empty/],
    [' , ', '""', /An entry is empty/],
    ['ls,no-such-program', '"no-such-program"', /There is no program "no-such-program" in PATH \(\/usr\/bin:\/bin\)/],
    ['./missing/tool', '"./missing/tool"', /missing\/tool is no executable file/],
    ['text-is-relative/*', '"/text-is-relative/*"', /\/text-is-relative is no folder/],
    [`${folder}/text`, `"${folder}/text"`, /is no executable file/],
    [folder, `"${folder}"`, /is no executable file/],
    ['/usr/*/ls', '"/usr/*/ls"', /Only a whole folder/],
    ['*', '"*"', /Only a whole folder/],
  ] as const) {
    assert.throws(
      () => listOf(text),
      (error) => {
        assert.ok(CarillonError.is(error), String(error))
        assert.deepEqual([error.code, error.details.field, error.details.value], ['INVALID_REQUEST', '--allow', value])
        assert.match(error.details.hint ?? '', hint)
        return true
      },
    )
  }
})

test('a program is allowed by its name and by its path, and no other program', async () => {
  const list = listOf('sort, ls')
  const sort = await list.resolve('sort', [])
  assert.match(sort, /\/bin\/sort$/)
  for (const path of ['/usr/bin/sort', realpathSync(sort)]) assert.equal(await list.resolve(path, []), sort)
  for (const command of ['uname', '/usr/bin/uname', '/usr/bin/../bin/uname', 'sort ', 'SORT', '/no/such/sort', '/usr/bin/', 'toString'])
    await assert.rejects(list.resolve(command, []), refused('command', /This executor allows: sort, ls\./), command)
})

test('text for a shell is no program', async () => {
  const list = listOf('sort')
  for (const command of ['sort -r', 'sort; uname', 'sort $(uname)', 'sh -c sort'])
    await assert.rejects(list.resolve(command, []), refused('command', /No shell reads a command/), command)
})

test('a folder allows the files in it: none below, none that a link leads out to, none that appears as something else', async (t) => {
  const folder = folderFor(t)
  const [scripts, other] = [join(folder, 'scripts'), join(folder, 'other')]
  for (const one of [scripts, other, join(scripts, 'below')]) mkdirSync(one)
  const good = script(scripts, 'good', 'true')
  const bad = script(other, 'bad', 'true')
  script(join(scripts, 'below'), 'deep', 'true')
  symlinkSync(bad, join(scripts, 'out'))
  symlinkSync(good, join(scripts, 'alias'))
  writeFileSync(join(scripts, 'text'), 'not executable')
  const list = listOf('scripts/*', { cwd: folder })
  for (const command of ['good', good, join(scripts, 'below/../good')]) assert.equal(await list.resolve(command, []), realpathSync(good))
  assert.equal(await list.resolve('alias', []), join(realpathSync(scripts), 'alias'))
  for (const command of [
    'out',
    join(scripts, 'out'),
    bad,
    join(scripts, 'below/deep'),
    join(scripts, '../other/bad'),
    'text',
    'below',
    '..',
    '.',
  ])
    await assert.rejects(list.resolve(command, []), refused('command', /This executor allows: scripts\/\*/), command)
  // A script that comes later counts.
  const later = script(scripts, 'later', 'true')
  assert.equal(await list.resolve('later', []), realpathSync(later))
})

test('a link is followed once: what it leads to later is refused', async (t) => {
  const folder = folderFor(t)
  const [one, two] = [script(folder, 'one', 'true'), script(folder, 'two', 'true')]
  const link = join(folder, 'tool')
  symlinkSync(one, link)
  const list = listOf('./tool', { cwd: folder })
  assert.equal(await list.resolve('tool', []), join(realpathSync(folder), 'tool'))
  assert.equal(await list.resolve(one, []), join(realpathSync(folder), 'tool'))
  rmSync(link)
  symlinkSync(two, link)
  for (const command of ['tool', two, one]) await assert.rejects(list.resolve(command, []), refused('command', /allows: \.\/tool/))
})

test('programs that are one file are distinguished by the names of their links', async (t) => {
  const folder = folderFor(t)
  const box = script(folder, 'box', 'true')
  for (const name of ['list', 'remove']) symlinkSync(box, join(folder, name))
  const list = listOf(`${folder}/list`)
  assert.equal(await list.resolve(join(folder, 'list'), []), join(realpathSync(folder), 'list'))
  await assert.rejects(list.resolve(join(folder, 'remove'), []), refused('command', /allows/))
})

test('an entry may pin leading arguments', async () => {
  const list = listOf('sort --check, sort -r -n, uname')
  const sort = await list.resolve('sort', ['--check', 'file'])
  assert.equal(await list.resolve('sort', ['-r', '-n', '-k', '1']), sort)
  for (const args of [[], ['-r'], ['-n', '-r'], ['file', '--check'], ['--check=silent']])
    await assert.rejects(list.resolve('sort', args), refused('args', /This executor allows: sort --check, sort -r -n\./))
})
