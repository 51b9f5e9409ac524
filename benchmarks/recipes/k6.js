// k6 against any server of the Open Inference Protocol: a constant arrival rate, in the open.
// k6 run --no-usage-report -e SERVER=127.0.0.1:8500 -e RATE=500 benchmarks/recipes/k6.js
// Rows first: python -m benchmarks.recipes.rows > .cache/rows.json
import grpc from 'k6/net/grpc';
import { check } from 'k6';
import exec from 'k6/execution';
import { SharedArray } from 'k6/data';

const rows = new SharedArray('rows', () => JSON.parse(open(__ENV.ROWS || '../../.cache/rows.json')));
const client = new grpc.Client();
client.load([__ENV.PROTO || '../../proto'], 'stubtail/oip/inference.proto');

export const options = {
  scenarios: {
    open: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.RATE || 500),
      timeUnit: '1s',
      duration: __ENV.DURATION || '10s',
      preAllocatedVUs: 64,
      maxVUs: 256,
    },
  },
  thresholds: { checks: ['rate==1'], dropped_iterations: ['count==0'] },
  summaryTrendStats: ['med', 'p(90)', 'p(99)', 'max'],
};

let connected = false;

export default () => {
  if (!connected) {
    client.connect(__ENV.SERVER || '127.0.0.1:8500', { plaintext: true });
    connected = true;
  }
  const row = rows[exec.scenario.iterationInTest % rows.length];
  const reply = client.invoke('inference.GRPCInferenceService/ModelInfer', row, { timeout: '1s' });
  check(reply, { 'status is OK': (r) => r && r.status === grpc.StatusOK });
};
