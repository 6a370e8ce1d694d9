import { Link } from "@heroui/react/link";
import type { ReactNode } from "react";
import type { ModelDetail } from "@/api/client";
import { Dialog } from "@/lib/Dialog";
import { SOURCE_URL } from "@/lib/source-url";

interface Props {
  model: ModelDetail | null;
  onClose: () => void;
}

/** The model in short: how good it is, what it is for and not for, what becomes of a photo. */
export default function AboutDialog({ model, onClose }: Props) {
  return (
    <Dialog
      title="Model card, limits, privacy"
      className="flex flex-col gap-5 text-[15px] leading-relaxed"
      onClose={onClose}
    >
      {model && <Card model={model} />}
      <Section title="What it is for">
        Finding the parts of faces in photos: for editing, trying on, measuring and research.
      </Section>
      <Section title="Limits">
        <ul className="list-disc pl-5">
          <li>
            Faces are biometric data. Do not use this to identify or track people, to infer sex, age, origin,
            health, feelings or any other trait, nor to decide about a person. It has not been tested for any
            of these, and in many places they are against the law.
          </li>
          <li>
            It learnt mostly from portraits of celebrities: adult, frontal, well lit. Expect worse results for
            children, profiles, covered faces and in the dark.
          </li>
          <li>
            Outlines of hair are coarse. Ears count as skin; neck, clothes, hats and jewellery as background.
          </li>
        </ul>
      </Section>
      <Section title="Privacy">
        In the service a photo is read into memory, parsed and answered; it is written to no disk and no log.
        On this device it is not sent at all. Your results are gone when you close the page.
      </Section>
      <Section title="Licence and source">
        The code is Apache-2.0.{" "}
        {SOURCE_URL ? (
          <Link href={SOURCE_URL}>Read it</Link>
        ) : (
          "Whoever runs this service has its source and may give it to you."
        )}
        {model && ` The weights of ${model.name}: ${model.licence}.`}
      </Section>
    </Dialog>
  );
}

function Card({ model }: { model: ModelDetail }) {
  const { width, height } = model.input;
  const score = model.metrics.mean_f1;
  return (
    <Section title={`Model ${model.name} ${model.version}`}>
      {`A UNETR that tells ${model.classes.length} classes apart, at ${width} × ${height} pixels a face.`}
      {typeof score === "number" && ` Mean F1 on photos it never saw: ${score.toFixed(1)} %.`}
      <span className="mt-1 block text-[13px] break-all text-muted">sha256 {model.sha256}</span>
    </Section>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3 className="mb-1 font-semibold">{title}</h3>
      <div>{children}</div>
    </section>
  );
}
