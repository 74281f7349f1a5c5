/**
 * An executor of the version that is recorded, to be killed. The SDK of that version is imported from `BUILD`. Tasks stop at the gates in `HELD`; those
 * at the gate `tardy` go on when a message comes.
 */
import { once } from 'node:events'
import type * as Sdk from '@carillon/sdk'
import { offerHandlers } from './handlers.ts'

const { BUILD, URL: servers, INSTANCE: instance, HELD = '' } = process.env
const held = new Set(HELD.split(','))
const sdk: typeof Sdk = await import(`${BUILD}/sdk/dist/index.js`)
const mesh = await sdk.connect({ servers, instance, service: 'upgrade', version: '1', labels: {}, capacity: 100 })

offerHandlers(mesh, {
  began: () => undefined,
  pass: async (point) => {
    if (point === 'tardy') await once(process, 'message')
    else if (held.has(point)) await new Promise(() => undefined)
  },
  isMended: false,
})
await mesh.start()
process.send?.('ready')
