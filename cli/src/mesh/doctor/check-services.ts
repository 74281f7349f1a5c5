import { CALLS, CarillonError, type ServiceHealth } from '@carillon/contracts'
import { spanText } from '../../output/time-text.ts'
import { CARILLON } from '../../own-command.ts'
import type { CheckContext } from './context.ts'
import { counted, type Finding, failed, well, wrong } from './finding.ts'

const HEALTH = { coordinator: CALLS.coordinatorHealth, registry: CALLS.registryHealth, logger: CALLS.loggerHealth } as const
type ServiceName = keyof typeof HEALTH

/** How long all instances of a service have to answer. */
const ROLL_CALL_MS = 400

/** Each service: whether one answers, how many there are, and the health of its parts. */
export async function checkServices(context: CheckContext): Promise<Finding[]> {
  const names = Object.keys(HEALTH) as ServiceName[]
  return (await Promise.all(names.map((name) => checkService(context, name)))).flat()
}

async function checkService(context: CheckContext, name: ServiceName): Promise<Finding[]> {
  try {
    const health = await context.client.call(HEALTH[name], {})
    const count = await countOf(context, name)
    const many = count > 1 ? `${counted(count, name)} (one of them ${health.id})` : health.id
    return [
      well(name, `${many} ${count > 1 ? 'answer' : 'answers'}, version ${health.version}, up ${spanText(health.uptimeMs)}`),
      ...partsOf(name, health),
      ...missingOf(health),
    ]
  } catch (error) {
    const isMissing = CarillonError.is(error) && error.code === 'NO_SERVICE'
    if (isMissing) return [wrong(name, 'none answers', `Start one: ${CARILLON} ${name} (${CARILLON} up starts all of them).`)]
    return [failed(name, error)]
  }
}

function partsOf(name: ServiceName, health: ServiceHealth): Finding[] {
  return health.checks.map((check) => ({ part: `${name}: ${check.name}`, ok: check.ok, message: check.message }))
}

/** Those that died and were not started again. The others do their work: it is a finding because fewer may die now. */
function missingOf({ coordinators }: ServiceHealth): Finding[] {
  if (coordinators === undefined || coordinators.missing === 0) return []
  const { live, missing } = coordinators
  const text = `${counted(live, 'coordinator')} of ${live + missing} that lived within the last hour`
  return [
    wrong('coordinators', text, `Start as many as before: ${CARILLON} coordinator; or leave it: after an hour it is no finding any more.`),
  ]
}

/** The NATS services protocol answers once for each instance. */
async function countOf({ broker }: CheckContext, name: ServiceName): Promise<number> {
  let count = 0
  const answers = await broker.connection.requestMany(`$SRV.PING.carillon-${name}`, '', { strategy: 'timer', maxWait: ROLL_CALL_MS })
  for await (const answer of answers) if (!(answer instanceof Error)) count++
  return count
}
