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
