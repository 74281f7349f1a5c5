import { DEFAULT_NAMESPACE } from '@carillon/contracts'
import { CARILLON } from '../../own-command.ts'
import type { MeshOptions } from './mesh-options.ts'
import type { StartedMesh } from './start-mesh.ts'

const DEFAULT_PORT = /:4222$/

/** What is running, where, three things to try, and the last line: that it is ready. */
export function readyText(mesh: StartedMesh, { withDemo, namespace }: Pick<MeshOptions, 'withDemo' | 'namespace'>): string[] {
  const at = DEFAULT_PORT.test(mesh.natsUrl) ? '' : ` --nats ${mesh.natsUrl}`
  const options = `${at}${namespace === DEFAULT_NAMESPACE ? '' : ` --namespace ${namespace}`}`
  return [
    '',
    'What is running:',
    `  broker     nats-server at ${mesh.natsUrl} (process ${mesh.natsPid})`,
    `  services   registry, coordinator, logger and gateway (process ${process.pid})`,
    `  console    ${mesh.httpUrl}`,
    ...(mesh.metricsUrl === undefined ? [] : [`  metrics    ${mesh.metricsUrl}`]),
    ...(mesh.firstLink === undefined ? [] : [`  sign in    ${mesh.firstLink} (once, within a day; then you are the admin)`]),
    ...(mesh.demoPid === undefined ? [] : [`  executor   the demo: hello, report, flaky, slow (process ${mesh.demoPid})`]),
    `  store      ${mesh.store}`,
    `  data       ${mesh.data}`,
    `  log        ${mesh.logFile}`,
    '',
    'Three things to try, in another terminal:',
    ...(withDemo ? withExecutor(options) : withoutExecutor(options)),
    '',
    `Carillon is ready · ${mesh.natsUrl}`,
  ]
}

const withExecutor = (options: string) => [
  `  ${CARILLON} run hello '{"name":"Ada"}'${options}`,
  `  ${CARILLON} jobs put report --cron '*/5 * * * * *' --timezone Europe/Paris${options}`,
  `  ${CARILLON} runs list${options}`,
]

const withoutExecutor = (options: string) => [
  `  ${CARILLON} demo${options}        # an executor with handlers to try`,
  `  ${CARILLON} run hello '{"name":"Ada"}'${options}`,
  `  ${CARILLON} doctor${options}`,
]
