/** `npm run chaos`: injects faults into a mesh of real processes and audits the result; see test/src/chaos/main.ts for the options. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

const natsServer = spawnSync(process.execPath, ['scripts/nats-server.ts'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
if (natsServer.status !== 0) process.exit(natsServer.status ?? 1)
const chaos = spawn(process.execPath, ['--enable-source-maps', 'test/dist/chaos/main.js', ...process.argv.slice(2)], {
  env: { ...process.env, CARILLON_NATS_SERVER: natsServer.stdout.trim().split('\n').at(-1) },
  stdio: 'inherit',
})
const [status] = await once(chaos, 'exit')
process.exit(status ?? 1)
