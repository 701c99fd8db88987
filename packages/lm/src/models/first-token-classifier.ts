/** Heads of encoders over their first token, as Hugging Face's …ForSequenceClassification have them. */
import type { DenseParameter } from "@fedlodrop/run";
import { activation, linear, trainedHead } from "../plan/layers.ts";
import { type Classifier, INITIAL_STANDARD_DEVIATION } from "./classifier.ts";
import type { EncoderConfig } from "./encoder-config.ts";

/** BERT's frozen layer d → d between the first token and the head, pre-trained with the model. */
export const POOLER = "pooler.dense";

export function firstTokenClassifier(family: EncoderConfig["family"], width: number): Classifier {
  switch (family) {
    case "bert":
      return {
        token: "first",
        parameters: (labels) => dense("classifier", labels, width),
        emit: (net, first, logits, labels) => {
          const pooled = activation(net, linear(net, first, POOLER, width, { bias: true }), "tanh");
          return trainedHead(net, pooled, "classifier.weight", logits, labels, "classifier.bias");
        },
      };
    case "roberta":
      return twoLayers("classifier.dense", "tanh", "classifier.out_proj", width);
    case "distilbert":
      return twoLayers("pre_classifier", "relu", "classifier", width);
    default:
      return family satisfies never;
  }
}

/** Both layers are new to the task, so both are trained whole. */
const twoLayers = (inner: string, f: "tanh" | "relu", outer: string, width: number): Classifier => ({
  token: "first",
  parameters: (labels) => [...dense(inner, width, width), ...dense(outer, labels, width)],
  emit: (net, first, logits, labels) => {
    const hidden = trainedHead(net, first, `${inner}.weight`, null, width, `${inner}.bias`);
    return trainedHead(net, activation(net, hidden, f), `${outer}.weight`, logits, labels, `${outer}.bias`);
  },
});

const dense = (name: string, outFeatures: number, inFeatures: number): readonly DenseParameter[] => [
  {
    name: `${name}.weight`,
    shape: [outFeatures, inFeatures],
    initialStandardDeviation: INITIAL_STANDARD_DEVIATION,
  },
  { name: `${name}.bias`, shape: [outFeatures], initialStandardDeviation: 0 },
];
