import { type Client, connect } from '@carillon/sdk'
import { type BenchExecutor, type MeshProcess, startExecutor, startMesh } from './mesh-process.ts'

/** A mesh, the executor of the measurements, and a client of it. */
export interface MeshParts {
  readonly url: string
  readonly mesh: MeshProcess
  readonly client: Client
  readonly executor: BenchExecutor
}

/** Starts them, and stops them when it is measured. @param storeUrl SQLite in a temporary folder when absent */
export async function withMesh<T>(storeUrl: string | undefined, measure: (parts: MeshParts) => Promise<T>): Promise<T> {
  const mesh = await startMesh(storeUrl ? { storeUrl } : {})
  const executor = await startExecutor(mesh.url)
  const connection = await connect({ servers: mesh.url, service: 'bench-client', namespace: 'bench' })
  try {
    return await measure({ url: mesh.url, mesh, client: connection.client, executor })
  } finally {
    await connection.stop()
    await executor.stop()
    await mesh.stop()
  }
}
