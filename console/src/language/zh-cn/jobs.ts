import type { Messages } from '../en/messages.ts'
import { grouped } from '../plural.ts'

export const jobs: Messages['jobs'] = {
  title: '任务',
  create: '新建任务',
  createWorkflow: '新建工作流',
  filter: '名称、处理器或描述',
  state: '状态',
  anyState: '全部',
  states: { active: '启用', paused: '已暂停', finished: '已结束' },
  name: '任务',
  select: '选择',
  selectJob: (name) => `选择 ${name}`,
  lastRun: '最近运行',
  failures: '失败',
  failuresInRow: (count) => `连续 ${grouped(count)} 次`,
  failed: (failed, all) => `${grouped(failed)} / ${grouped(all)}`,
  next: '下次时间',
  schedule: '调度',
  handler: '处理器',
  workflow: '工作流',
  nothing: '还没有任务。',
  nothingMatches: '没有符合筛选条件的任务。',
  shown: (count) => `${grouped(count)} 个任务`,
  shownOfMore: (count) => `已载入 ${grouped(count)} 个任务`,
  bulk: { pause: (count) => `暂停 ${grouped(count)} 个`, resume: (count) => `恢复 ${grouped(count)} 个` },
  bulkText: {
    pause: (count) => `${grouped(count)} 个任务将不再按时触发，正在运行的会继续。`,
    resume: (count) => `${grouped(count)} 个任务从现在起恢复按时触发。`,
  },
  notConcerned: (count) => `所选中有 ${grouped(count)} 个处于其他状态，保持不变。`,
  note: '原因（其他人可见）',
}
