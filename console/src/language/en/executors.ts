import { counted, grouped } from '../plural.ts'

export const executors = {
  title: 'Executors',
  filter: 'Instance, service or handler',
  shown: (count: number) => counted(count, 'instance', 'instances'),
  nothing: 'No executor is connected.',
  nothingMatches: 'No executor matches.',
  live: 'live',
  hung: 'hung',
  cordoned: 'cordoned',
  since: 'since',
  load: (running: number, capacity: number) => `${grouped(running)} of ${grouped(capacity)} slots`,
  cpu: (share: string) => `CPU ${share}`,
  memory: (size: string) => `Memory ${size}`,
  delay: (duration: string) => `event loop late by ${duration}`,
  blocked: (duration: string) => `blocked for ${duration}`,
  stuck: (count: number) => `${grouped(count)} stuck`,
  skew: (service: string, versions: string) => `Instances of ${service} have different versions: ${versions}.`,
  conflict: (handler: string, services: string) =>
    `${services} offer ${handler} with different schemas: a payload that one accepts, another refuses.`,
  cordon: 'Cordon',
  uncordon: 'Uncordon',
  drain: 'Drain',
  actionTitle: { cordon: (instance: string) => `Cordon ${instance}`, drain: (instance: string) => `Drain ${instance}` },
  actionText: {
    cordon: 'It gets no more work from now on, and keeps what it runs.',
    drain: 'It gets no more work from now on. You see here when it has nothing left.',
  },
  note: 'Why (shown to others)',
  draining: (count: number) => `draining, ${counted(count, 'task', 'tasks')} left`,
  drained: 'Drained: it holds nothing. It may be stopped.',
}
