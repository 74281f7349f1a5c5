/** `npm run bench`: finds a MongoDB engine as the tests do, then measures; see bench/src/main.ts for the options. */
import { spawnSync } from 'node:child_process'
import { findMongodb } from './mongodb.ts'

const mongodb = await findMongodb({ say: (line) => console.error(`bench: ${line}`) })
const environment = { ...process.env, ...('skipped' in mongodb ? {} : { CARILLON_TEST_MONGODB_URL: mongodb.url }) }
const { status } = spawnSync(process.execPath, ['bench/dist/main.js', ...process.argv.slice(2)], { env: environment, stdio: 'inherit' })
if (!('skipped' in mongodb)) await mongodb.stop()
process.exit(status ?? 1)
