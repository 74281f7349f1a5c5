/** Handlers that anyone can offer, and their definitions for callers. */
export { countShare, shardingDemo } from './sharding-demo/sharding-demo.ts'
