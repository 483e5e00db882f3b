"""local/policies.py and local/intrinsics.py: every policy of a template is found, and what is wrong with it as well."""

import unittest

from local import intrinsics, policies

TEMPLATE = """
Parameters:
  Bucket: {Type: String}
  Names: {Type: CommaDelimitedList, Default: 'a,b'}
  BoundaryArn: {Type: String, Default: ''}
Resources:
  Queue:
    Type: AWS::SQS::Queue
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: []}
      Policies:
        - PolicyName: Read
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              - Sid: Read
                Effect: Allow
                Action: s3:GetObject
                Resource: !Sub arn:${AWS::Partition}:s3:::${Bucket}/${!literal}
              - !If
                - IsWide
                - Sid: Send
                  Effect: Allow
                  Action: sqs:SendMessage
                  Resource: !GetAtt Queue.Arn
                - !Ref AWS::NoValue
"""

READ = {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::example/${literal}"}
QUEUE = "arn:aws:sqs:eu-west-1:111122223333:queue"
SEND = {"Sid": "Send", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE}


def policy(**statement):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


class Written(unittest.TestCase):
    def test_a_policy_is_there_with_and_without_what_depends_on_a_condition_and_a_trust_policy_is_not(self):
        self.assertEqual(
            policies.written(TEMPLATE),
            {
                "Role Read": {"Version": "2012-10-17", "Statement": [READ, SEND]},
                "Role Read otherwise": {"Version": "2012-10-17", "Statement": [READ]},
            },
        )

    def test_functions_are_evaluated(self):
        template = intrinsics.read(TEMPLATE)
        for text, value in {
            "!Join ['-', [a, !Ref AWS::Region]]": "a-eu-west-1",
            "!Join [',', !Ref Names]": "a,b",
            "!Select [1, !Split [',', 'a,b,c']]": "b",
            "!Sub ['${One}-${Bucket}', {One: !Ref Bucket}]": "example-example",
            "!Sub '${Queue.Arn}/*'": "arn:aws:sqs:eu-west-1:111122223333:queue/*",
            "!Ref BoundaryArn": "arn:aws:iam::111122223333:policy/Boundary",
            "Fn::ImportValue: !Sub '${Bucket}-TaskRoleArn'": "arn:aws:iam::111122223333:role/BuildkiteAgentTask/example",
            "[a, !Ref AWS::NoValue]": ["a"],
            "{a: !Ref AWS::NoValue}": {},
            "!If [Any, met, not met]": "met",
        }.items():
            with self.subTest(text):
                self.assertEqual(intrinsics.evaluate(template, intrinsics.read(text), True), value)

    def test_what_is_not_known_is_not_guessed(self):
        template = intrinsics.read(TEMPLATE)
        for text in ("!Cidr [a]", "!GetAtt Queue.QueueUrl", "!Ref Role"):
            with self.subTest(text), self.assertRaises(ValueError):
                intrinsics.evaluate(template, intrinsics.read(text), True)


class Findings(unittest.TestCase):
    BAD = {
        "here": policy(Sid="Bad", Action="s3:GetObjekt", Resource="*"),
        "there": policy(Action="s3:ListBucket", Resource="arn:aws:s3:::a/b"),
    }

    def test_what_is_wrong_is_found_with_its_place(self):
        found = {finding[:3] for finding in policies.findings(self.BAD)}
        self.assertEqual(found, {("here", "Bad", "UNKNOWN_ACTION"), ("there", "0", "RESOURCE_MISMATCH")})

    def test_what_is_meant_is_not_a_fault_and_an_entry_that_fits_nothing_is_one(self):
        meant = [
            {"policy": "here", "statement": "Bad", "issue": "UNKNOWN_ACTION"},
            {"policy": "there", "statement": "1", "issue": "RESOURCE_MISMATCH"},
        ]
        faults = list(policies.unexpected(policies.findings(self.BAD), meant))
        self.assertEqual([fault[:40] for fault in faults], [
            "there, statement 0: RESOURCE_MISMATCH: [",
            "policies.toml means RESOURCE_MISMATCH of",
        ])


if __name__ == "__main__":
    unittest.main()
