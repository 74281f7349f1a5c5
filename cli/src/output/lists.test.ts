import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CarillonError, type Page } from '@carillon/contracts'
import stringWidth from 'string-width'
import { pagesOf } from '../client/pages.ts'
import { EXIT } from '../exit-code.ts'
import { reportFailure } from '../failure.ts'
import { CutShort } from './json-array.ts'
import { printList } from './table.ts'
import { createTerminal, type Terminal } from './terminal.ts'
import { keepingTerminal } from './testing-terminal.ts'

type Named = { name: string; note?: string }
const columns = [
  { heading: 'NAME', text: (row: Named) => row.name },
  { heading: 'NOTE', text: (row: Named) => row.note ?? '' },
]
const print = (terminal: Terminal, pages: AsyncIterable<Page<Named>>, all = true) =>
  printList(terminal, pages, { all, columns, empty: 'make one' })

/** Answers these pages in order, and notes how many have been asked for. */
function source<Row>(...pages: readonly (readonly Row[] | Error)[]) {
  const asked = { count: 0 }
  const list = pagesOf(async () => {
    const page = pages[asked.count++] ?? []
    if (page instanceof Error) throw page
    return asked.count < pages.length ? { items: page, next: String(asked.count) } : { items: page }
  })
  return { asked, list }
}

describe('lists', () => {
  it('are tables for people, without empty columns, and harmless', async () => {
    const { terminal, stdout } = keepingTerminal()
    await print(terminal, source<Named>([{ name: 'a' }, { name: 'longer\u001b[1m' }]).list)
    assert.equal(stdout.join(''), 'NAME\na\nlonger\\u001b[1m\n')
  })

  it('are painted after they were made harmless, and are aligned without the paint', async () => {
    const tones = { a: 'good', 日本: 'bad' } as const
    const painted = [
      {
        heading: 'ST',
        text: ({ name }: { name: keyof typeof tones }) => name,
        tone: ({ name }: { name: keyof typeof tones }) => tones[name],
      },
    ]
    const { terminal, stdout } = keepingTerminal({ tty: true })
    const { list } = source([{ name: 'a' as const }, { name: '日本' as const }])
    await printList(terminal, list, { all: false, columns: [...painted, { heading: 'N', text: ({ name }) => name }], empty: '' })
    const shown = stdout.join('')
    assert.ok(shown.includes('\u001b[32ma\u001b[39m     a\n'), JSON.stringify(shown))
    assert.ok(shown.includes('\u001b[31m日本\u001b[39m  日本\n'), JSON.stringify(shown))
  })

  it('keep a long cell short', async () => {
    const { terminal, stdout } = keepingTerminal()
    await print(terminal, source<Named>([{ name: 'a', note: 'x'.repeat(500) }]).list)
    assert.ok(stdout.join('').length < 200)
  })

  const id = '01m8d4tgyp0000yx3agvdjg95t'
  type Wide = { id: string; job: string; at: string; result: string }
  const wide = [
    { heading: 'RUN', text: (row: Wide) => row.id, narrow: 'whole' },
    { heading: 'JOB', text: (row: Wide) => row.job },
    { heading: 'AT', text: (row: Wide) => row.at, brief: () => '2 d ago' },
    { heading: 'BY', text: () => 'schedule', narrow: 1 },
    { heading: 'RESULT', text: (row: Wide) => row.result },
  ] as const
  const row: Wide = { id, job: 'j'.repeat(64), at: '2 d ago (2026-11-24 10:00 +01:00)', result: '日本'.repeat(40) }
  const shown = async (rows: Wide[], environment: Record<string, string>) => {
    const { terminal, stdout } = keepingTerminal({ environment })
    await printList(terminal, source(...rows.map((one) => [one])).list, { all: true, columns: wide, empty: '' })
    return stdout.join('').trimEnd().split('\n')
  }

  it('are no wider than 80 columns, or what COLUMNS says, and cut no id', async () => {
    for (const [environment, limit] of [
      [{}, 80],
      [{ COLUMNS: '100' }, 100],
      [{ COLUMNS: 'x' }, 80],
      [{ COLUMNS: '300' }, 300],
      [{ COLUMNS: '60' }, 60],
    ] as const) {
      const lines = await shown([{ ...row, result: 'ok' }, row, { ...row, job: 'report' }], environment)
      for (const line of lines) assert.ok(stringWidth(line) <= limit, `${stringWidth(line)} > ${limit}: ${line}`)
      assert.equal(lines.filter((line) => line.startsWith(id)).length, 3)
    }
    const [head] = await shown([row], {})
    assert.match(head ?? '', /^RUN +JOB +AT +RESULT$/, 'what matters least is left out')
    assert.match((await shown([{ ...row, job: 'x', result: 'ok' }], {})).join('\n'), /2 d ago {2}schedule {2}ok$/)
  })

  it('are blocks where ids have no room beside the rest', async () => {
    const long = `${id}-${'abcd1234'.repeat(4)}`
    const lines = await shown([{ ...row, id: long, result: 'ok' }], {})
    assert.deepEqual([lines[0], lines.at(-1)], [`RUN     ${long}`, 'RESULT  ok'])
  })

  it('say what to do when there is nothing', async () => {
    const { terminal, stdout } = keepingTerminal()
    await print(terminal, source<Named>([], []).list)
    assert.deepEqual(stdout, ['make one\n'])
  })

  it('are the first page that holds something, or all of them; a person hears that there are more', async () => {
    const { terminal, stdout, stderr } = keepingTerminal()
    const { asked, list } = source<Named>([], [{ name: 'a' }], [{ name: 'b' }])
    await print(terminal, list, false)
    assert.deepEqual([stdout.join(''), asked.count], ['NAME\na\n', 2])
    assert.match(stderr.join(''), /--all shows all/)
  })

  it('have the columns of the first page on every page, and hide none that a later one fills', async () => {
    const { terminal, stdout, stderr } = keepingTerminal()
    await print(
      terminal,
      source<Named>(
        [{ name: 'first' }],
        [
          { name: 'b', note: 'c' },
          { name: 'a longer one', note: 'd' },
        ],
      ).list,
    )
    assert.equal(stdout.join(''), 'NAME   NOTE\nfirst\nb      c\na longer one  d\n')
    assert.deepEqual(stderr, [])
  })

  for (const pages of [[[]], [[], []], [[{ name: 'a' }]], [[{ name: 'a' }, { name: 'b' }], [], [{ name: 'c' }]]] satisfies Named[][][]) {
    it(`are one array for programs: ${JSON.stringify(pages)}`, async () => {
      const { terminal, stdout } = keepingTerminal({ json: true })
      await print(terminal, source<Named>(...pages).list)
      assert.deepEqual(JSON.parse(stdout.join('')), pages.flat())
      assert.equal(stdout.join('').split('\n').length, 2)
    })
  }
})

describe('a list of many pages', () => {
  for (const json of [false, true]) {
    it(`is written page by page, as fast as it is read from stdout${json ? ', with --json' : ''}`, async () => {
      const pages = Array.from({ length: 500 }, (_, index) => [{ name: `row-${index}` }])
      const { asked, list } = source<Named>(...pages)
      let [text, writes, drains] = ['', 0, 0]
      const stdout = {
        write: (part: string) => {
          writes += 1
          text += part
          assert.ok(asked.count <= writes, 'a page is asked for when those before it are written')
          return false
        },
        once: (_event: 'drain', listener: () => void) => {
          const before = asked.count
          setImmediate(() => {
            assert.equal(asked.count, before, 'no page is asked for while stdout is full')
            drains += 1
            listener()
          })
        },
      }
      await print(createTerminal({ stdout, stderr: stdout, json, environment: {} }), list)
      assert.equal(drains, writes)
      const names = json ? JSON.parse(text).map(({ name }: Named) => name) : text.trimEnd().split('\n').slice(1)
      assert.deepEqual(
        names,
        pages.flat().map(({ name }) => name),
      )
    })
  }

  const broken = new CarillonError('NO_SERVICE', 'No coordinator answers')

  it('stays JSON when a page fails; what went wrong stands on stderr and in the exit code', async () => {
    const { terminal, stdout } = keepingTerminal({ json: true })
    const error = await print(terminal, source<Named>([{ name: 'a' }], broken).list).catch((reason: unknown) => reason)
    assert.ok(error instanceof CutShort)
    assert.deepEqual(JSON.parse(stdout.join('')), [{ name: 'a' }])
    const [out, err] = [[] as string[], [] as string[]]
    const code = reportFailure(error, {
      argv: ['--json'],
      env: {},
      stdout: { write: (text) => out.push(text) },
      stderr: { write: (text) => err.push(text) },
    })
    assert.notEqual(code, EXIT.ok)
    assert.deepEqual([out, JSON.parse(err.join('')).error.code], [[], 'NO_SERVICE'])
  })

  it('is the error alone when the first page fails', async () => {
    const { terminal, stdout } = keepingTerminal({ json: true })
    await assert.rejects(print(terminal, source<Named>([], broken).list), broken)
    assert.deepEqual(stdout, [])
  })
})
