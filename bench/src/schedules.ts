import { connect } from '@carillon/sdk'
import { type Lateness, measureLateness } from './lateness.ts'
import { startExecutor, usageOf } from './mesh-process.ts'
import { startWatchedMesh } from './watched-mesh.ts'

/** 100,000 jobs, of which 1,000 are due each second: the coordinator has a process of its own, as docker-compose.yml starts it. */
export async function measureSchedules(): Promise<Lateness> {
  const mesh = await startWatchedMesh('container', undefined)
  const executor = await startExecutor(mesh.url)
  const connection = await connect({ servers: mesh.url, service: 'bench-client', namespace: 'bench' })
  try {
    const usage = () => usageOf(mesh.coordinator.child.pid as number)
    return await measureLateness(
      { client: connection.client, executor, mesh: { usage }, url: mesh.url },
      { jobs: 100_000, dueAtOnce: 1_000, seconds: 60 },
    )
  } finally {
    await connection.stop()
    await executor.stop()
    await mesh.stop()
  }
}
