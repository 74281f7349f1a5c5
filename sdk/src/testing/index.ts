/** For tests of handlers: a mesh in memory, with a clock that a test moves. Nothing else than this process is needed. */
export { type TestClock, type TestMesh, type TestMeshOptions, testMesh } from './test-mesh.ts'
export type { TestRun } from './test-run.ts'
