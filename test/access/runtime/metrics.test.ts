import { expect, test } from 'vitest'
import { startAdmin } from '#access/runtime/admin.ts'
import { createMetrics } from '#access/runtime/metrics.ts'

test('Prometheus is told the rules hash, and whether the files say something else by now', async () => {
  let changed = false
  const metrics = createMetrics({ hash: 'f00d', environment: 'production' }, () => changed)
  const admin = await startAdmin({ host: '127.0.0.1', port: 0 }, () => [], undefined, metrics)
  const read = async (): Promise<string> => (await fetch(`http://127.0.0.1:${admin.port}/metrics`)).text()
  try {
    const before = await read()
    expect(before).toContain('pagepass_rules_info{rules="f00d",environment="production"} 1')
    expect(before).toContain('pagepass_rules_changed_on_disk 0')
    changed = true
    expect(await read()).toContain('pagepass_rules_changed_on_disk 1')
  } finally {
    await admin.close()
  }
})
