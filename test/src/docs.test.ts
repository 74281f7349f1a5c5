/** Holds documents, code and examples together: what one says, the others do. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  assignmentAnswerSchema,
  beatSchema,
  CALLS,
  controlSchema,
  logMessageSchema,
  parseInput,
  RUN_STATES,
  reportSchema,
} from '@carillon/contracts'
import { z } from 'zod'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const files = (pattern: string | string[]) =>
  globSync(pattern, { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist)(\/|$)/.test(String(path)) }).sort()
const documents = files(['*.md', 'docs/*.md', 'docs/adr/*.md'])
/** Sources of the product, without what is written for tests. */
const product = files(['{contracts,wire,expressions,store,runtime,sdk,handlers,cli}/src/**/*.ts', 'services/*/src/**/*.ts']).filter(
  (path) => !/\.test\.ts$|\/test(ing)?[-/]/.test(path),
)
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? match[0])
const sorted = (values: Iterable<string>) => [...new Set(values)].sort()
const inProduct = (pattern: RegExp) => sorted(product.flatMap((path) => matches(read(path), pattern)))

describe('documents', () => {
  test('the generated parts are current', async () => {
    await run(process.execPath, ['scripts/docs.ts', '--check'], { cwd: root })
  })

  test('every link leads somewhere', () => {
    const broken = documents.flatMap((path) =>
      matches(read(path), /\]\(([^)\s]+)\)/g)
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => !leadsSomewhere(path, link))
        .map((link) => `${path}: ${link}`),
    )
    assert.deepEqual(broken, [])
  })

  test('every file that ARCHITECTURE, CONTRIBUTING and the pages of mechanisms name exists', () => {
    const paths = files(['**/*.ts', '**/*.json'])
    const mechanisms = files('docs/{SCHEDULING,RUN-LIFE,FAN-OUT,STEPS,DELIVERY,RECOVERY,ROUTING}.md')
    assert.equal(mechanisms.length, 7)
    const named = ['ARCHITECTURE.md', 'CONTRIBUTING.md', ...mechanisms].flatMap((path) => matches(read(path), /`([\w./-]+\.(?:ts|json))`/g))
    const missing = named.filter((name) => !paths.some((path) => path === name || path.endsWith(`/${name}`)))
    assert.deepEqual(missing, [])
    assert.ok(named.length > 20)
  })
})

describe('README', () => {
  test('is short', () => assert.ok(read('README.md').split('\n').length <= 201))

  test('its service is the example that is run', () => {
    assert.equal(blocks('README.md', 'ts')[0], read('examples/src/send-invoice.ts').trim())
  })

  test('the commands it shows exist', async () => {
    const shown = sorted(matches(read('README.md'), /npx carillon ((?:(?:jobs|runs|instances) )?[a-z]+)/g))
    assert.ok(shown.length >= 8, shown.join())
    await Promise.all(
      shown.map((command) => run(process.execPath, ['cli/bin/carillon.js', ...command.split(' '), '--help'], { cwd: root })),
    )
  })
})

describe('PROTOCOL', () => {
  const work = z.strictObject({
    runId: z.string(),
    taskId: z.string(),
    handler: z.string(),
    attempt: z.int(),
    payload: z.json(),
    ...z.object({ task: z.string(), item: z.json(), index: z.int(), total: z.int(), traceparent: z.string() }).partial().shape,
  })
  const schemas: Record<string, z.ZodType> = {
    assignment: z.array(work),
    'assignment-answer': assignmentAnswerSchema.strict(),
    beat: beatSchema.strict(),
    claim: CALLS.tasksClaim.input,
    control: controlSchema,
    error: z.strictObject({
      error: z.strictObject({
        code: z.string(),
        message: z.string(),
        retry: z.boolean(),
        field: z.string(),
        value: z.string(),
        hint: z.string(),
      }),
    }),
    log: logMessageSchema.strict(),
    map: CALLS.tasksMap.input,
    register: CALLS.instancesRegister.input,
    report: reportSchema,
    results: CALLS.tasksResults.input,
    step: CALLS.tasksStep.input,
    start: CALLS.jobsRun.input,
    work,
  }

  for (const [kind, schema] of Object.entries(schemas))
    test(`its examples of ${kind} are read as such`, () => {
      const examples = blocks('docs/PROTOCOL.md', `json ${kind}`)
      assert.notEqual(examples.length, 0)
      for (const text of examples) {
        const example = JSON.parse(text)
        const known = parseInput(schema, example, kind) as Record<string, unknown>
        assert.deepEqual(
          Object.keys(example).filter((field) => !(field in known)),
          [],
        )
      }
    })

  test('its other examples are JSON', () => {
    for (const text of blocks('docs/PROTOCOL.md', 'json')) JSON.parse(text)
  })

  test('it has every subject', () => {
    const text = read('docs/PROTOCOL.md')
    for (const kind of matches(read('contracts/src/subjects.ts'), /^ {2}(\w+): \(/gm)) assert.match(text, new RegExp(`\\| \`${kind}\\.`))
  })
})

describe('STATES', () => {
  test('explains every state, and no other', () => {
    const section = read('docs/STATES.md').split('<!-- generated')[0] ?? ''
    assert.deepEqual(sorted(matches(section, /^\| `(\w+)` \|/gm)), sorted(RUN_STATES))
  })
})

describe('TELEMETRY', () => {
  const text = read('docs/TELEMETRY.md')

  test('has every metric and span, and no other', () => {
    const inCode = [...inProduct(/meter\.\w+\(\s*'([^']+)'/g), ...inProduct(/(?:startSpan|markStep)\([`']([\w.]+)/g)]
    assert.ok(inCode.length >= 7, 'the code is read as it is written')
    assert.deepEqual(sorted(matches(text, /^\| `(carillon\.[\w.]+)/gm)), sorted(inCode))
  })

  test('has every event of the log, and no other', () => {
    const inCode = inProduct(/evt: ['`]([^'`]+)['`]/g).filter((name) => !name.includes('$'))
    const written = matches(text, /^\| `([a-z-]+\.[a-z-]+)` \| (?:fatal|error|warn|info|debug|trace) \|/gm)
    assert.deepEqual(sorted(written), inCode)
    // Explained in words.
    assert.match(inProduct(/evt: `([^`]+)`/g).join(), /^instance\.\$\{what\}$/)
  })

  test('has every warning of the SDK, and no other', () => {
    const codes = matches(read('sdk/src/warning.ts').split('readonly message')[0] ?? '', /\| '([a-z-]+)'/g)
    const section = text.split('## Warnings of the SDK')[1] ?? ''
    const written = matches(section, /^\| (`[^|]+`) \|/gm).flatMap((cell) => matches(cell, /`([a-z-]+)`/g))
    assert.deepEqual(sorted(written), sorted(codes))
  })
})

describe('CONFIG and ERRORS', () => {
  test('CONFIG has every variable that something reads, and no other', () => {
    const readers = [...product, ...files(['scripts/**', 'test/src/support/*.ts', 'bench/src/*.ts', 'docker-compose.yml'])]
    const used = readers.flatMap((path) => (/\.(ts|yml)$/.test(path) ? matches(read(path), /\bCARILLON_[A-Z_]*[A-Z]\b/g) : []))
    const marks = ['CARILLON_TEST_MARK']
    assert.deepEqual(sorted(matches(read('docs/CONFIG.md'), /\bCARILLON_[A-Z_]+\b/g)), sorted(used.filter((name) => !marks.includes(name))))
  })

  test('ERRORS has the exit codes of the command line', () => {
    const codes = matches(/EXIT = \{([^}]*)\}/.exec(read('cli/src/exit-code.ts'))?.[1] ?? '', /: (\d+)/g)
    assert.deepEqual(sorted(matches(read('docs/ERRORS.md'), /^\| (\d+) \|/gm)), sorted(codes))
  })
})

/** The contents of the fenced blocks whose info string is exactly this. */
function blocks(path: string, info: string): string[] {
  return matches(read(path), new RegExp(`^\`\`\`${info}\\n([\\s\\S]*?)\\n\`\`\`$`, 'gm'))
}

/** Whether the file is there and, behind a `#`, its heading. */
function leadsSomewhere(from: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? from : join(dirname(from), path)
  if (!existsSync(join(root, target))) return false
  if (anchor === undefined) return true
  return matches(read(target), /^#+ (.+)$/gm).some((heading) => slugOf(heading) === anchor)
}

const slugOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replaceAll(' ', '-')
