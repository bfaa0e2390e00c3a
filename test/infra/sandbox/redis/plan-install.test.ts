import { expect, test } from 'vitest'
import { type Machine, planInstall } from '../../../../infra/sandbox/redis/plan-install.ts'

const machine: Machine = { managers: ['apt'], isRoot: false, hasSudo: false, hasTerminal: false }
const apt = ['sh', expect.stringMatching(/install-apt\.sh$/), 'redis-server']

test.each<[string, Partial<Machine>, string, readonly unknown[]]>([
  ['root without a terminal installs with apt', { isRoot: true }, 'install', apt],
  ['root at a terminal is asked', { isRoot: true, hasTerminal: true }, 'ask', apt],
  ['a person with sudo is asked', { hasSudo: true, hasTerminal: true }, 'ask', ['sudo', ...apt]],
  ['brew needs nobody', { managers: ['brew'] }, 'install', ['brew', 'install', 'redis']],
  [
    'brew is asked for at a terminal',
    { managers: ['brew'], hasTerminal: true },
    'ask',
    ['brew', 'install', 'redis'],
  ],
  ['brew where apt would need root', { managers: ['brew', 'apt'] }, 'install', ['brew', 'install', 'redis']],
  [
    'apt before brew',
    { managers: ['brew', 'apt'], hasSudo: true, hasTerminal: true },
    'ask',
    ['sudo', ...apt],
  ],
  ['dnf', { managers: ['dnf'], isRoot: true }, 'install', ['dnf', 'install', '-y', 'redis']],
  ['apk', { managers: ['apk'], isRoot: true }, 'install', ['apk', 'add', 'redis']],
])('%s', (_name, part, how, command) => {
  expect(planInstall({ ...machine, ...part })).toMatchObject({ how, command })
})

test.each<[string, Partial<Machine>, string]>([
  ['sudo without a terminal is not tried', { hasSudo: true }, 'Run: sudo apt-get install redis-server\n'],
  ['neither root nor sudo', { hasTerminal: true }, 'Run: sudo apt-get install redis-server\n'],
  ['brew refuses root', { managers: ['brew'], isRoot: true }, 'Run: brew install redis\n'],
  [
    'no package manager',
    { managers: [], isRoot: true, hasTerminal: true },
    'Install redis-server (6.2 or newer)',
  ],
])('%s: the mend is told', (_name, part, mend) => {
  const plan = planInstall({ ...machine, ...part })
  expect(plan).toEqual({ how: 'cannot', mend: expect.stringContaining(mend) })
  expect(plan).toEqual({ how: 'cannot', mend: expect.stringContaining('REDIS_URL=') })
})

test('the question says with what, and that sudo is used', () => {
  expect(planInstall({ ...machine, isRoot: true, hasTerminal: true })).toMatchObject({
    question: 'No Redis found. Install redis-server with apt now?',
  })
  expect(planInstall({ ...machine, hasSudo: true, hasTerminal: true })).toMatchObject({
    question: 'No Redis found. Install redis-server with apt (by sudo) now?',
  })
})
