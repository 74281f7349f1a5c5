/**
 * The words of all files in a folder, counted by their length: `node word-count.js [folder]`. The root lists the files and asks for a task for each; three
 * reduce tasks add up a third of the results each, a merge adds up the three. Any other process that offers this handler, and sees the folder, takes part.
 */
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect, natsSettingsFrom } from '@carillon/sdk'
import { z } from 'zod'

/** How many words, by their number of letters. */
type Counts = Record<number, number>
const ITEMS_PER_CALL = 500
const given = process.argv[2]
const folder = given ?? folderOfTexts()

const mesh = await connect({ ...natsSettingsFrom(process.env), service: 'counter' })
mesh.mapReduce('word-count', {
  input: z.object({ folder: z.string() }),
  items: { file: z.string() },
  async root(ctx) {
    const entries = await readdir(ctx.payload.folder, { recursive: true, withFileTypes: true })
    // Sorted: a root that is run again has to ask for the same, in the same order.
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    files.sort()
    for (let i = 0; i < files.length; i += ITEMS_PER_CALL) await ctx.map('file', files.slice(i, i + ITEMS_PER_CALL))
  },
  tasks: {
    async file(ctx) {
      const counts: Counts = {}
      for await (const line of createInterface({ input: createReadStream(ctx.item, { signal: ctx.signal }) }))
        for (const word of line.split(/\s+/)) if (word !== '') counts[word.length] = (counts[word.length] ?? 0) + 1
      return counts
    },
  },
  reduce: (ctx) => added(ctx.results<Counts>()),
  merge: (ctx) => added(ctx.results<Counts>()),
})
await mesh.start()

const run = await mesh.client.run<Counts>('word-count', { folder }, { shards: 3 })
const counts = await run.result()
const { stages } = await mesh.client.runs.tree(run.id)
console.log(stages.map(({ name, total }) => `${total} × ${name}`).join(', '))
console.log(counts)
console.log(`${Object.values(counts).reduce((sum, count) => sum + count, 0)} words`)
await mesh.stop()
if (given === undefined) rmSync(folder, { recursive: true })

async function added(results: AsyncIterable<Counts>): Promise<Counts> {
  const sum: Counts = {}
  for await (const part of results)
    for (const [letters, count] of Object.entries(part)) sum[Number(letters)] = (sum[Number(letters)] ?? 0) + count
  return sum
}

/** Some files of a few thousand lines. */
function folderOfTexts(): string {
  const words = 'the cat and the dog went up a hill to fetch a pail of water'.split(' ')
  const path = mkdtempSync(join(tmpdir(), 'word-count-'))
  for (let file = 0; file < 7; file++) {
    const lines = Array.from({ length: 3_000 + file * 100 }, (_, line) => words.slice(0, 1 + ((file + line) % words.length)).join(' '))
    writeFileSync(join(path, `${file}.txt`), `${lines.join('\n')}\n`)
  }
  return path
}
