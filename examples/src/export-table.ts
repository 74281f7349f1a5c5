/**
 * A table of a million rows, exported by eight shards, three at a time. Each shard finds its part by its index alone, so a shard that is run again, here or on
 * another machine, exports the same rows.
 */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { connect, natsSettingsFrom } from '@carillon/sdk'

const ROWS = 1_000_000
const folder = mkdtempSync(join(tmpdir(), 'export-'))
const file = join(folder, 'orders.db')
new DatabaseSync(file).exec(`
  create table orders (id integer primary key, cents integer not null);
  with recursive ids (id) as (select 1 union all select id + 1 from ids where id < ${ROWS})
  insert into orders select id, id * 7 % 10000 from ids;
`)

const mesh = await connect({ ...natsSettingsFrom(process.env), service: 'exporter' })
mesh.handle(
  'export-orders',
  async (ctx) => {
    const { index = 0, total = 1 } = ctx.shard ?? {}
    const [from, to] = [index, index + 1].map((part) => Math.floor((part * ROWS) / total)) as [number, number]
    const orders = new DatabaseSync(file, { readOnly: true })
    let rows = 0
    function* lines() {
      for (const row of orders.prepare('select * from orders where id > ? and id <= ?').iterate(from, to)) {
        rows++
        yield `${JSON.stringify(row)}\n`
      }
    }
    await pipeline(Readable.from(lines()), createWriteStream(join(folder, `orders-${index}.ndjson`)), { signal: ctx.signal })
    orders.close()
    ctx.log.info('exported', { from, to, rows })
    return { rows }
  },
  { concurrency: 3 },
)
await mesh.start()

const run = await mesh.client.run('export-orders', null, { shards: 8, maxParallel: 3 })
console.log(await run.result())
const parts = (await mesh.client.runs.tasks(run.id)).items.map((task) => (task.result as { rows: number }).rows)
console.log(
  parts.length,
  parts.reduce((sum, rows) => sum + rows, 0),
)
await mesh.stop()
rmSync(folder, { recursive: true })
