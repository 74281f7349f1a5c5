import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Graph, graphOf, parseInput, workflowSchema } from '@carillon/contracts'
import { type Addition, ancestorsOf, mergeContext } from './context.ts'

/** @param after of each node the places of those before it */
function graph(after: readonly (readonly number[])[]): Graph {
  const nodes = after.map((before, i) => ({
    id: `n${i}`,
    handler: 'h',
    ...(before.length > 0 ? { after: before.map((place) => `n${place}`) } : {}),
  }))
  const made = graphOf(parseInput(workflowSchema, { nodes }))
  return 'problems' in made ? assert.fail(JSON.stringify(made.problems)) : made
}

const adds = (place: number, endedAt: number, key = 'who'): Addition => ({ place, endedAt, context: JSON.stringify({ [key]: place }) })

/** By the definition: of what may come next, because nothing that leads to it is left, the first to have ended. */
function lastOf(of: Graph, additions: readonly Addition[]): number | undefined {
  const left = [...additions]
  let last: number | undefined
  while (left.length > 0) {
    const free = left.filter(({ place }) => !left.some((other) => ancestorsOf(of, place).has(other.place)))
    const [next] = free.toSorted((one, other) => one.endedAt - other.endedAt || one.place - other.place)
    left.splice(left.indexOf(next as Addition), 1)
    last = next?.place
  }
  return last
}

test('what is set last replaces, in random graphs as by the definition', () => {
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  for (let round = 0; round < 200; round++) {
    const of = graph(Array.from({ length: 2 + random(9) }, (_, i) => Array.from({ length: i }, (_, j) => j).filter(() => random(3) === 0)))
    const additions = of.nodes.flatMap((_, place) => (random(3) > 0 ? [adds(place, random(5))] : []))
    assert.equal(mergeContext(of, additions)['who'], lastOf(of, additions), `round ${round}`)
  }
})

test('a thousand nodes in a row that set something are merged in one pass over the edges', () => {
  const of = graph(Array.from({ length: 1_000 }, (_, i) => (i === 0 ? [] : [i - 1])))
  const additions = of.nodes.map((_, place) => adds(place, 1_000 - place, `k${place % 10}`))
  let reads = 0
  const counted = (edges: Graph['into']) =>
    new Proxy(edges, {
      get: (target, key, receiver) => {
        if (/^\d+$/.test(String(key))) reads++
        return Reflect.get(target, key, receiver) as unknown
      },
    })
  assert.equal(mergeContext({ ...of, into: counted(of.into), outOf: counted(of.outOf) }, additions)['k9'], 999)
  assert.equal(reads, 2 * of.nodes.length)
})
