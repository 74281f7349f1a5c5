import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { systemClock } from '@carillon/wire/internal'
import { eventually } from '@carillon/wire/testing'
import type { Warning } from '../warning.ts'
import { Outbox, type OutboxSettings } from './outbox.ts'
import { readRecords, recordOf } from './records.ts'

const isRefused = (code: string) => (error: unknown) => CarillonError.is(error) && error.code === code
const text = (n: number) => JSON.stringify({ handler: 'h', key: `k${n}`, payload: [n] })

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** An outbox whose mesh is away until `up`. */
function outboxOf(context: TestContext, settings: Partial<OutboxSettings> & { folder: string }) {
  const mesh = { isUp: false, sent: [] as string[], batches: [] as number[], warnings: [] as Warning[], refuses: (_text: string) => false }
  const listeners = new Set<() => void>()
  const outbox = new Outbox(
    { maxBytes: 1_000_000, fsync: false, ...settings },
    {
      clock: systemClock,
      onWarning: (warning) => mesh.warnings.push(warning),
      send: async (texts) => {
        if (!mesh.isUp) throw new CarillonError('NATS_UNAVAILABLE', 'away')
        mesh.batches.push(texts.length)
        return texts.map((one) => {
          if (mesh.refuses(one)) return new CarillonError('KEY_CONFLICT', 'as asked for')
          mesh.sent.push(one)
          return undefined
        })
      },
      isUp: () => mesh.isUp,
      onUp: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
  )
  context.after(() => outbox.stop())
  const up = () => {
    mesh.isUp = true
    for (const listener of listeners) listener()
  }
  return { outbox, mesh, up }
}

test('records are read as they were written; a torn end is left out, whatever its length', () => {
  const file = Buffer.concat([recordOf('one'), recordOf('zwölf ✓'), recordOf('')])
  assert.deepEqual(readRecords(file), { texts: ['one', 'zwölf ✓', ''], end: file.length, rest: 'none' })
  const ends = [0, recordOf('one').length, recordOf('one').length + recordOf('zwölf ✓').length, file.length]
  for (let length = 0; length < file.length; length++) {
    const { texts, end, rest } = readRecords(file.subarray(0, length))
    const whole = ends.filter((at) => at <= length).length - 1
    assert.deepEqual([texts.length, end, rest], [whole, ends[whole], ends.includes(length) ? 'none' : 'torn'], String(length))
  }
  assert.equal(readRecords(Buffer.concat([file, Buffer.alloc(500)])).rest, 'torn')
})

test('a bit that flips is found wherever it is, and costs no record but its own', () => {
  const texts = ['{"n":1}', '{"n":"two"}', '{"n":[3]}']
  const records = texts.map(recordOf)
  const file = Buffer.concat(records)
  const starts = [0, records[0]?.length ?? 0, file.length - (records[2]?.length ?? 0)]
  for (let at = 0; at < file.length; at++)
    for (const bit of [1, 4, 128]) {
      const broken = Buffer.from(file)
      broken[at] = (broken[at] as number) ^ bit
      const place = starts.findLastIndex((start) => start <= at)
      const { texts: read, rest } = readRecords(broken)
      assert.deepEqual([read, rest], [texts.toSpliced(place, 1), 'damaged'], `${at} ^ ${bit}`)
    }
})

test('whatever a file contains, records in it are read, and what is between them is damage', () => {
  const [one, two] = [recordOf('{"n":1}'), recordOf('{"n":2}')]
  for (const between of ['x', 'some text that somebody has written', '\u0001'.repeat(40), '\0'.repeat(7)])
    assert.deepEqual(
      readRecords(Buffer.concat([one, Buffer.from(between), two])),
      { texts: ['{"n":1}', '{"n":2}'], end: one.length + between.length + two.length, rest: 'damaged' },
      JSON.stringify(between),
    )
  const lost = Buffer.concat([one, two.subarray(0, -4), Buffer.alloc(4)])
  assert.equal(readRecords(lost).rest, 'torn', 'its end was not on the disk when the power was lost')
})

for (const fsync of [false, true])
  test(`what is appended while the mesh is away is sent in order and once when it is back, and then removed: fsync ${fsync}`, async (context) => {
    const folder = folderOf(context)
    const { outbox, mesh, up } = outboxOf(context, { folder, fsync })
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => outbox.append(text(n))))
    assert.equal(mesh.sent.length, 0)
    up()
    await eventually('all are sent', () => mesh.sent.length === 1_000)
    assert.deepEqual(
      mesh.sent,
      Array.from({ length: 1_000 }, (_, n) => text(n)),
    )
    assert.deepEqual(mesh.batches.slice(0, 5), [1, 2, 4, 8, 16])
    await outbox.append(text(1_000))
    await eventually('what comes later is sent, too', () => mesh.sent.length === 1_001)
    await outbox.stop()
    assert.deepEqual(readdirSync(folder), [])
  })

test('a full outbox refuses and drops nothing; when it is empty it takes more', async (context) => {
  const { outbox, mesh, up } = outboxOf(context, { folder: folderOf(context), maxBytes: 3 * recordOf(text(1)).length })
  for (const n of [1, 2, 3]) await outbox.append(text(n))
  await assert.rejects(outbox.append(text(4)), isRefused('OUTBOX_FULL'))
  up()
  await eventually('all are sent', () => mesh.sent.length === 3)
  await eventually('there is room', async () =>
    outbox.append(text(5)).then(
      () => true,
      () => false,
    ),
  )
  await eventually('it is sent', () => mesh.sent.at(-1) === text(5))
})

test('what the mesh refuses for good is kept beside, for a person, and holds up nothing', async (context) => {
  const folder = folderOf(context)
  const { outbox, mesh, up } = outboxOf(context, { folder })
  mesh.refuses = (one) => one === text(1)
  for (const n of [0, 1, 2]) await outbox.append(text(n))
  up()
  await eventually('the others are sent', () => mesh.sent.length === 2)
  await outbox.stop()
  const [beside, ...more] = readdirSync(folder)
  assert.deepEqual([beside?.endsWith('.refused'), more.length], [true, 0])
  const line = JSON.parse(readFileSync(join(folder, beside ?? ''), 'utf8')) as { error: { code: string }; start: unknown }
  assert.deepEqual([line.error.code, line.start], ['KEY_CONFLICT', JSON.parse(text(1))])
  assert.match(mesh.warnings[0]?.message ?? '', /KEY_CONFLICT/)
})

const [ONE, TWO] = [recordOf(text(1)), recordOf(text(2))]
const damaged = Buffer.concat([ONE, TWO, recordOf(text(3))])
damaged[ONE.length + 20] = 0
const other = Buffer.from(recordOf(text(2)))
other.writeUInt8(9, 4)
for (const [what, content, sent, left] of [
  ['whole', Buffer.concat([ONE, TWO]), 2, 0],
  ['empty', Buffer.alloc(0), 0, 0],
  ['torn', Buffer.concat([ONE, TWO.subarray(0, 30)]), 1, 0],
  ['torn in a header', Buffer.concat([ONE, TWO.subarray(0, 5)]), 1, 0],
  ['damaged in the middle', damaged, 2, 1],
  ['of another version', Buffer.concat([ONE, withSum(other)]), 1, 1],
  ['no outbox at all', Buffer.from('hello, this is some text'), 0, 1],
] as const)
  test(`the file of a process that has died is sent by another one: ${what}`, async (context) => {
    const folder = folderOf(context)
    writeFileSync(join(folder, 'aaaaaaaaaaaa~bbbbbbbbbbbb.outbox'), content)
    const { outbox, mesh, up } = outboxOf(context, { folder })
    up()
    await eventually('it is gone', () => !readdirSync(folder).some((name) => name.endsWith('.outbox')))
    assert.equal(mesh.sent.length, sent)
    await outbox.stop()
    const rest = readdirSync(folder)
    assert.deepEqual([rest.length, rest.every((name) => name.endsWith('.damaged'))], [left, true])
    assert.equal(mesh.warnings.filter(({ message }) => message.includes('OUTBOX_UNUSABLE')).length, left)
    if (left > 0) assert.deepEqual(readFileSync(join(folder, rest[0] ?? '')), content)
  })

/** With a right sum over a version that is not known. */
function withSum(record: Buffer): Buffer {
  const { crc32 } = process.getBuiltinModule('node:zlib')
  record.writeUInt32LE(crc32(record.subarray(0, 5)), 5)
  return record
}

test('a file of a process that lives is left alone; what it leaves at its end is not lost', async (context) => {
  const folder = folderOf(context)
  const first = outboxOf(context, { folder })
  await first.outbox.append(text(1))
  const second = outboxOf(context, { folder })
  second.up()
  await second.outbox.append(text(2))
  await eventually('its own is sent', () => second.mesh.sent.length === 1)
  assert.deepEqual(second.mesh.sent, [text(2)])
  await first.outbox.stop()
  const third = outboxOf(context, { folder })
  third.up()
  await eventually('the rest is sent', () => third.mesh.sent.length === 1)
  assert.deepEqual(third.mesh.sent, [text(1)])
})

test('of several processes that find the file of a dead one, one sends it', async (context) => {
  const folder = folderOf(context)
  for (let n = 0; n < 20; n++) writeFileSync(join(folder, `aaaaaaaaaaaa~${String(n).padStart(12, '0')}.outbox`), recordOf(text(n)))
  const all = Array.from({ length: 4 }, () => outboxOf(context, { folder }))
  for (const { up } of all) up()
  await eventually('all are gone', () => !readdirSync(folder).some((name) => name.endsWith('.outbox')))
  const sent = all.flatMap(({ mesh }) => mesh.sent)
  assert.deepEqual([sent.length, new Set(sent).size], [20, 20])
})

/** A process that appends as fast as it can, and tells its parent after each answer. */
const APPENDER = `
  import { join } from 'node:path'
  import { pathToFileURL } from 'node:url'
  const [, code, folder] = process.argv
  const { Outbox } = await import(pathToFileURL(join(code, 'outbox.js')))
  const { systemClock } = await import('@carillon/wire/internal')
  const port = { clock: systemClock, onWarning: console.error, send: async () => [], isUp: () => false, onUp: () => () => undefined }
  const outbox = new Outbox({ folder, maxBytes: 10_000_000, fsync: false }, port)
  for (let n = 0; ; n++) {
    await outbox.append(JSON.stringify({ handler: 'h', key: 'k' + n, payload: [n] }))
    await new Promise((resolve) => process.send(n, resolve))
  }
`

for (const signal of ['SIGKILL', 'SIGSTOP'] as const)
  test(`a process that ends by ${signal} right after an answer: ${signal === 'SIGKILL' ? 'another one sends all that it answered' : 'it still lives, so nobody does'}`, async (context) => {
    const folder = folderOf(context)
    const child = spawn(process.execPath, ['--input-type=module', '--eval', APPENDER, import.meta.dirname, folder], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    context.after(() => child.kill('SIGKILL'))
    let answered = -1
    child.on('message', (n) => {
      answered = Number(n)
      if (answered === 200) child.kill(signal)
    })
    if (signal === 'SIGKILL') await once(child, 'exit')
    else await eventually('it has answered', () => answered >= 200)
    const { mesh, up } = outboxOf(context, { folder })
    up()
    if (signal === 'SIGSTOP') {
      const { outbox, mesh: witness, up: witnessUp } = outboxOf(context, { folder })
      witnessUp()
      await outbox.append('{}')
      await eventually('another round is over', () => witness.sent.length === 1)
      assert.deepEqual([mesh.sent.length, witness.sent], [0, ['{}']])
      return
    }
    await eventually(
      'its file is gone',
      () => !readdirSync(folder).some((name) => /\.(outbox|lock)$/.test(name) && !name.includes('~')) || mesh.sent.length > answered,
    )
    await eventually('all are sent', () => mesh.sent.length > answered)
    assert.deepEqual(
      mesh.sent.slice(0, answered + 1),
      Array.from({ length: answered + 1 }, (_, n) => text(n)),
    )
    assert.equal(new Set(mesh.sent).size, mesh.sent.length)
  })

test('a folder that cannot be used is an error of the call, with its path', async (context) => {
  const folder = folderOf(context)
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const { outbox } = outboxOf(context, { folder: join(file, 'outbox') })
  await assert.rejects(outbox.append(text(1)), isRefused('OUTBOX_UNUSABLE'))
  const deep = outboxOf(context, { folder: join(folder, 'x'.repeat(100)) })
  await assert.rejects(deep.outbox.append(text(1)), /too long for a socket/)
  const made = outboxOf(context, { folder: join(folder, 'a', 'b') })
  await made.outbox.append(text(1))
  assert.ok(existsSync(join(folder, 'a', 'b')))
  await made.outbox.stop()
  await assert.rejects(made.outbox.append(text(2)), isRefused('NOT_CONNECTED'))
})

test('a damaged record is left for a person, and the others of its file are sent once more than they may have been', async (context) => {
  const folder = folderOf(context)
  const { outbox, mesh, up } = outboxOf(context, { folder })
  for (const n of [0, 1, 2, 3]) await outbox.append(text(n))
  const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.outbox'))
  const file = readFileSync(join(folder, name))
  file[recordOf(text(0)).length + 20] = 7
  writeFileSync(join(folder, name), file)
  up()
  await eventually('the others are sent', () => mesh.sent.length === 3)
  assert.deepEqual(mesh.sent, [text(0), text(2), text(3)])
  await eventually('it is kept', () => readdirSync(folder).some((other) => other.endsWith('.damaged')))
  assert.match(
    mesh.warnings.at(-1)?.message ?? '',
    /\.damaged is kept for a person, because something in it is damaged: the 3 records that are whole/,
  )
})

test('a file that cannot be read holds up no other', async (context) => {
  const folder = folderOf(context)
  const { outbox, mesh, up } = outboxOf(context, { folder })
  await outbox.append(text(0))
  mkdirSync(join(folder, '000000000000~000000000000.outbox'))
  up()
  await eventually('the own one is sent', () => mesh.sent.length === 1)
  assert.deepEqual(
    mesh.warnings.map(({ message }) => /000000000000\.outbox is left, and tried again: EISDIR/.test(message)),
    [true],
  )
})

for (const what of ['file', 'folder'])
  test(`what was answered is not lost when somebody removes the ${what}`, async (context) => {
    const folder = join(folderOf(context), 'outbox')
    const { outbox, mesh, up } = outboxOf(context, { folder })
    for (const n of [0, 1]) await outbox.append(text(n))
    if (what === 'folder') rmSync(folder, { recursive: true })
    else for (const name of readdirSync(folder).filter((file) => file.endsWith('.outbox'))) rmSync(join(folder, name))
    await outbox.append(text(2))
    up()
    await eventually('all are sent', () => mesh.sent.length === 3)
    assert.deepEqual(mesh.sent, [text(0), text(1), text(2)])
    assert.match(mesh.warnings[0]?.message ?? '', /was removed while it held \d+ bytes: they are in /)
  })
