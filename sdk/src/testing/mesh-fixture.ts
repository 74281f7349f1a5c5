import type { TestContext } from 'node:test'
import { startNatsServer, type TestServer } from '@carillon/wire/testing'
import { type ConnectOptions, connect } from '../connect.ts'
import type { Mesh } from '../mesh.ts'
import type { Warning } from '../warning.ts'
import { FakeMesh } from './fake-mesh.ts'

export interface MeshFixture {
  readonly server: TestServer
  readonly fake: FakeMesh
  readonly warnings: Warning[]
  connect(options?: Partial<ConnectOptions>): Promise<Mesh>
}

/** A nats-server with a fake mesh; ends with the test, executors first. */
export async function startMesh(test: TestContext): Promise<MeshFixture> {
  const server = await startNatsServer()
  const fake = await FakeMesh.start(server.url)
  const meshes: Mesh[] = []
  const warnings: Warning[] = []
  test.after(async () => {
    await Promise.all(meshes.map((mesh) => mesh.stop()))
    await fake.stop()
    await server.stop()
  })
  return {
    server,
    fake,
    warnings,
    connect: async (options) => {
      const onWarning = (warning: Warning) => void warnings.push(warning)
      const mesh = await connect({ servers: server.url, service: 'test', signals: false, drainMs: 1_000, onWarning, ...options })
      meshes.push(mesh)
      return mesh
    },
  }
}
