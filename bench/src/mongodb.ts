import { once } from 'node:events'

/** The URL of an engine: from the environment, or from the process that started this one (`npm run bench` does, when asked). */
export async function findMongodb(): Promise<string | undefined> {
  const given = process.env['CARILLON_TEST_MONGODB_URL']
  if (given || !process.send) return given
  process.send('mongodb')
  const [{ url }] = (await once(process, 'message')) as [{ url?: string }]
  process.disconnect()
  return url
}

let asked: Promise<string | undefined> | undefined
/** The URL of a database of this process, where there is an engine. It is found once. */
export async function findDatabase(): Promise<string | undefined> {
  asked ??= findMongodb()
  const url = await asked
  if (url === undefined) return undefined
  const database = new URL(url)
  database.pathname = `/carillon_bench_${process.pid}`
  return database.href
}
