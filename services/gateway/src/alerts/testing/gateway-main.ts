/** A gateway in a process of its own, to be killed: `gateway-main.js <nats> <store>`. */
import { createLogger } from '@carillon/runtime'
import { openStore } from '@carillon/store'
import { startGateway } from '../../start-gateway.ts'
import { SETTINGS } from './gateway-settings.ts'

const [servers = '', url = ''] = process.argv.slice(2)
const log = createLogger({ name: 'gateway', level: 'silent', destination: process.stderr })
await startGateway({ nats: { servers }, log, store: await openStore(url), ...SETTINGS })
process.stdout.write('ready\n')
