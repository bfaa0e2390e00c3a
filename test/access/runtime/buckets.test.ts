import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { BucketHistogram, createBuckets, latencyBounds } from '#access/runtime/buckets.ts'

test('A value counts in every bucket from its own bound on, which is part of it', () => {
  const buckets = createBuckets([1, 2, 5])
  for (const value of [0, 1, 1.5, 2, 5, 5.1, 100, Number.POSITIVE_INFINITY]) buckets.observe(value)
  expect(buckets.read()).toEqual({
    cumulative: [
      { bound: 1, count: 2 },
      { bound: 2, count: 4 },
      { bound: 5, count: 5 },
    ],
    count: 8,
    sum: Number.POSITIVE_INFINITY,
  })
})

test('The bounds of latencies rise from 50 µs', () => {
  expect(latencyBounds[0]).toBe(0.00005)
  expect([...latencyBounds].sort((a, b) => a - b)).toEqual(latencyBounds)
})

test('Prometheus reads them as a histogram, each time anew', async () => {
  const registry = new Registry()
  const buckets = createBuckets([0.5, 1])
  new BucketHistogram(registry, 'asked_seconds', 'How long it took', buckets)
  const lines = async () => (await registry.metrics()).trim().split('\n')
  expect(await lines()).toEqual([
    '# HELP asked_seconds How long it took',
    '# TYPE asked_seconds histogram',
    'asked_seconds_bucket{le="0.5"} 0',
    'asked_seconds_bucket{le="1"} 0',
    'asked_seconds_bucket{le="+Inf"} 0',
    'asked_seconds_sum 0',
    'asked_seconds_count 0',
  ])
  buckets.observe(0.75)
  buckets.observe(3)
  expect((await lines()).slice(2)).toEqual([
    'asked_seconds_bucket{le="0.5"} 0',
    'asked_seconds_bucket{le="1"} 1',
    'asked_seconds_bucket{le="+Inf"} 2',
    'asked_seconds_sum 3.75',
    'asked_seconds_count 2',
  ])
  expect(await lines()).toEqual(await lines())
  const [json] = await registry.getMetricsAsJSON()
  expect(json?.values.at(-1)).toMatchObject({ metricName: 'asked_seconds_count', value: 2 })
})
