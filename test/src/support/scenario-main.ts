/** An executor of the scenarios as a process of its own, which one of them kills. Says "ready" when it is registered. */
import { connect } from '@carillon/sdk'
import { offerScenarios } from './scenarios.ts'

const { URL: servers, NAMESPACE: namespace, INSTANCE: instance } = process.env
const mesh = await connect({ servers, namespace, instance, service: 'scenarios', onWarning: () => undefined })
offerScenarios(mesh, async () => {
  process.kill(process.pid, 'SIGKILL')
  return new Promise<never>(() => undefined)
})
await mesh.start()
process.send?.('ready')
