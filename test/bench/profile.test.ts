import { expect, test } from 'vitest'
import { topSelf } from './profile.ts'

const node = (id: number, functionName: string, url = '') => ({
  id,
  callFrame: { functionName, url, lineNumber: 4 },
})

test('the time of a function is what it took itself, as a share of what was not idle', () => {
  const profile = {
    nodes: [
      node(1, '(idle)'),
      node(2, 'decide', 'file:///home/somebody/pagepass/proxy/pipeline.ts'),
      node(3, 'decide', 'file:///home/somebody/pagepass/proxy/pipeline.ts'),
      node(4, '', 'file:///home/somebody/node_modules/undici/lib/pool.js'),
    ],
    samples: [1, 2, 3, 4],
    timeDeltas: [10_000, 300, 300, 400],
  }
  expect(topSelf(profile, 5)).toEqual([
    { share: 0.6, where: 'decide proxy/pipeline.ts:5' },
    { share: 0.4, where: '(anonymous) node_modules/undici/lib/pool.js:5' },
  ])
  expect(topSelf(profile, 1)).toHaveLength(1)
})
