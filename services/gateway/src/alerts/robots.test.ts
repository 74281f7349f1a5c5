import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@carillon/runtime/testing'
import { answerAsRobots, ROBOT } from './testing/robots.ts'
import { startTestGateways } from './testing/test-gateways.ts'

const INCIDENTS = 60

test('robots of groups: a wrong setting is shown with what they said; in a storm all is said in digests, in Chinese, and none falls silent', async (t) => {
  const gateways = await startTestGateways(t, 2)
  const { receiver } = gateways
  const groups = answerAsRobots(receiver)
  const url = (path: string) => `${receiver.url}/${path}`
  const put = (name: string, target: object) =>
    gateways.call('alertChannelsPut', { name, language: 'zh-CN', target: { kind: name, ...target } as { kind: 'wecom' } })
  const test = (name: string) => gateways.call('alertChannelsTest', { name })

  await put('dingtalk', { url: url('dingtalk?access_token=t'), secret: 'another one', keyword: ROBOT.keyword })
  assert.deepEqual(await test('dingtalk'), { delivered: false, answer: '200 {"errcode":310000,"errmsg":"sign not match"}' })
  await put('dingtalk', { url: url('dingtalk?access_token=t'), secret: ROBOT.secret })
  assert.deepEqual(await test('dingtalk'), { delivered: false, answer: '200 {"errcode":310000,"errmsg":"keywords not in content"}' })
  await put('dingtalk', { url: url('dingtalk?access_token=wrong'), ...ROBOT })
  assert.match((await test('dingtalk')).answer, /token is not exist/)
  await put('dingtalk', { url: url('dingtalk?access_token=t'), ...ROBOT })
  await put('wecom', { url: url('wecom?key=wrong') })
  assert.match((await test('wecom')).answer, /93000/)
  await put('wecom', { url: url('wecom?key=k') })
  await put('feishu', { url: url('feishu'), secret: 'another one', keyword: ROBOT.keyword })
  assert.match((await test('feishu')).answer, /19021/)
  assert.match((await gateways.call('alertChannelsGet', { name: 'feishu' })).last?.answer ?? '', /19021/)
  await put('feishu', { url: url('feishu'), ...ROBOT })
  await put('slack', { url: url('slack') })
  for (const name of ['dingtalk', 'wecom', 'feishu', 'slack']) assert.equal((await test(name)).delivered, true, name)
  assert.equal(groups.dingtalk.texts[0]?.split('\n')[0], 'carillon [测试] default: 这是一条测试消息，渠道可用')

  const names = Array.from({ length: INCIDENTS }, (_, n) => `任务-${n}`)
  await gateways.jobs(names)
  await gateways.call('alertRulesPut', { name: 'storm', scene: 'run-failed', channels: ['dingtalk', 'wecom', 'feishu'] })
  for (const [n, name] of names.entries()) gateways.announce(n, 'failed', name)
  for (const group of ['dingtalk', 'wecom', 'feishu'] as const) {
    const isSaid = (name: string) => groups[group].texts.some((text) => text.includes(`任务 ${name} 失败 1 次`))
    await eventually(`all is said: ${group}`, () => names.every(isSaid))
    assert.equal(groups[group].refused, 0, group)
    for (const text of groups[group].texts.slice(1)) assert.match(text, /告警/)
  }
  assert.ok(groups.dingtalk.texts.length <= 20)
  const { items } = await gateways.call('incidentsList', { limit: 100 })
  const deliveries = await Promise.all(items.map(({ id }) => gateways.call('incidentsGet', { id })))
  const recorded = () => deliveries.flatMap(({ deliveries: all = [] }) => all)
  assert.equal(recorded().length, 3 * INCIDENTS)
})
