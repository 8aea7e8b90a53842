"""Complete normal reports of enhanced abdominal CT in the styles of several countries."""

from __future__ import annotations

NORMAL = (
    (
        "TECHNIQUE: CT abdomen and pelvis with IV contrast, portal venous phase.\n"
        "FINDINGS:\n"
        "Liver: Normal in size and attenuation. No focal lesion.\n"
        "Gallbladder: Unremarkable. No stones.\n"
        "Pancreas: Normal. No mass or ductal dilatation.\n"
        "Spleen: Normal in size.\n"
        "Kidneys: Enhance symmetrically. No mass, stone or hydronephrosis.\n"
        "Bowel: No obstruction.\n"
        "IMPRESSION: No acute abnormality."
    ),
    (
        "The liver is normal in size and contour with no focal lesion. The portal vein "
        "is patent. The gallbladder is unremarkable. No biliary dilatation. The pancreas "
        "is normal in appearance with no focal mass and the main pancreatic duct is not "
        "dilated. The spleen and adrenal glands are normal. Both kidneys are normal in "
        "size with no renal mass, calculus or hydronephrosis. No free fluid."
    ),
    (
        "CLINICAL HISTORY: Abdominal pain.\n"
        "COMPARISON: None.\n"
        "FINDINGS:\n"
        "LIVER: No focal hepatic lesion. Hepatic and portal veins are patent.\n"
        "BILIARY: No intra or extrahepatic biliary dilatation.\n"
        "PANCREAS: No pancreatic mass. No peripancreatic stranding or fluid collection.\n"
        "KIDNEYS: No renal mass or hydronephrosis. Symmetric nephrograms.\n"
        "LYMPH NODES: No lymphadenopathy.\n"
        "BONES: Degenerative changes of the lumbar spine.\n"
        "IMPRESSION:\n"
        "1. No acute intra-abdominal process."
    ),
    (
        "Liver is normal in size, shows homogeneous attenuation. No focal lesion seen in "
        "the liver. IHBR not dilated. Portal vein is normal in caliber. Gall bladder is "
        "well distended, no calculus. Pancreas is normal in size and attenuation. No "
        "focal lesion seen in the pancreas. MPD is not dilated. Spleen is normal. Both "
        "kidneys are normal in size, shape and position with normal excretion of "
        "contrast. No calculus, hydronephrosis or focal lesion in both kidneys. No "
        "ascites. No lymphadenopathy."
    ),
    (
        "FINDINGS:\n"
        "Lower chest: Lung bases are clear.\n"
        "Hepatobiliary: The liver is within normal limits. No focal liver lesion. No "
        "gallstones.\n"
        "Pancreas: Within normal limits. No pancreatic lesion.\n"
        "Spleen: Within normal limits.\n"
        "Adrenals: Normal.\n"
        "Kidneys: No renal lesion. No hydronephrosis.\n"
        "Vasculature: Aorta is normal in caliber.\n"
        "IMPRESSION: Unremarkable CT of the abdomen."
    ),
    (
        "There are no focal lesions in the liver, pancreas or kidneys. The spleen, "
        "gallbladder and adrenals are unremarkable. There is no adenopathy or ascites. "
        "Small hiatal hernia."
    ),
    (
        "CT abdomen with contrast.\n"
        "Normal liver with no focal lesion. Normal gallbladder and bile ducts. Normal "
        "pancreas with no mass. Normal spleen. Normal kidneys with no mass. Normal "
        "bowel. No free fluid. No nodes.\n"
        "Conclusion: Normal study."
    ),
    (
        "Liver, spleen, pancreas, adrenals and kidneys are normal. No focal liver "
        "lesion. No pancreatic mass. No renal mass. The gallbladder is normal. No "
        "dilated bile ducts. The bowel is of normal calibre. No free gas. No free fluid."
    ),
    (
        "Findings: The liver enhances homogeneously without focal lesion. The hepatic "
        "vasculature is patent. The pancreas enhances normally without focal lesion or "
        "ductal dilatation. The kidneys enhance symmetrically without hydronephrosis or "
        "mass. The ureters are not dilated. The urinary bladder is normal. The appendix "
        "is normal. No free air or fluid."
    ),
    (
        "ABDOMEN:\n"
        "- Liver: smooth contour, no focal lesions\n"
        "- Gallbladder: no calculi\n"
        "- CBD: not dilated\n"
        "- Pancreas: no mass, no ductal dilation\n"
        "- Spleen: not enlarged\n"
        "- Kidneys: no hydronephrosis, no mass\n"
        "- Adrenals: normal\n"
        "- Aorta: normal calibre\n"
        "PELVIS:\n"
        "- Bladder: normal\n"
        "- Prostate: not enlarged"
    ),
    (
        "INDICATION: Weight loss, rule out pancreatic mass.\n"
        "FINDINGS: Liver: no focal lesion. Biliary system: no dilatation. Pancreas: no "
        "mass or cyst. Kidneys: no mass. Spleen: unremarkable. Bowel: no bowel wall "
        "thickening or obstruction.\n"
        "IMPRESSION: No pancreatic mass."
    ),
    (
        "The liver demonstrates normal enhancement. No hepatic lesion is identified. The "
        "intrahepatic bile ducts are not dilated. The common bile duct is normal in "
        "caliber. The pancreas demonstrates normal enhancement. No pancreatic lesion is "
        "identified. The pancreatic duct is normal in caliber. The kidneys demonstrate "
        "normal enhancement. No renal lesion is identified. There is prompt symmetric "
        "excretion."
    ),
    (
        "Liver: Normal size and contour. Homogeneous parenchymal enhancement. No focal "
        "lesions.\n"
        "Biliary: No ductal dilatation.\n"
        "Pancreas: Normal parenchymal enhancement. No focal lesion. No ductal "
        "dilatation.\n"
        "Kidneys and ureters: Symmetric enhancement. No focal lesion. No hydronephrosis. "
        "No calculi.\n"
        "Vessels: Mild atherosclerotic calcification of the aorta.\n"
        "Peritoneum: No ascites."
    ),
    (
        "Exam: CT AP with IV contrast\n"
        "Result:\n"
        "Liver - normal, no focal lesion.\n"
        "Pancreas - normal, no mass.\n"
        "Kidneys - normal, no mass, no stones.\n"
        "Spleen - normal."
    ),
    (
        "History: Pain.\n"
        "Technique: Axial images of the abdomen and pelvis were obtained following "
        "administration of intravenous contrast in the portal venous phase.\n"
        "Findings: The liver is normal in size and morphology without focal lesion. The "
        "spleen is normal in size. There are no gallstones. The pancreas is unremarkable "
        "without focal lesion. The adrenal glands are unremarkable. The kidneys enhance "
        "symmetrically without focal lesion. No hydronephrosis or perinephric stranding. "
        "The stomach and bowel are unremarkable. There is no free intraperitoneal fluid. "
        "No suspicious osseous lesion.\n"
        "Impression: No acute findings."
    ),
    (
        "LIVER: Unremarkable. No focal lesion.\n"
        "GALLBLADDER AND BILE DUCTS: Unremarkable. No calcified stones. No ductal "
        "dilation.\n"
        "PANCREAS: Unremarkable. No mass. No ductal dilation.\n"
        "SPLEEN: Unremarkable. No splenomegaly.\n"
        "ADRENALS: Unremarkable. No mass.\n"
        "KIDNEYS AND URETERS: Unremarkable. No obstructing stones. No hydronephrosis. No "
        "mass.\n"
        "STOMACH AND BOWEL: Unremarkable. No obstruction. No mucosal thickening.\n"
        "APPENDIX: No evidence of appendicitis.\n"
        "INTRAPERITONEAL SPACE: Unremarkable. No free air. No significant fluid "
        "collection.\n"
        "BONES/JOINTS: No acute fracture. No dislocation.\n"
        "SOFT TISSUES: Unremarkable.\n"
        "VASCULATURE: Unremarkable. No abdominal aortic aneurysm.\n"
        "LYMPH NODES: Unremarkable. No enlarged lymph nodes."
    ),
    (
        "The liver is of normal size and attenuation. No focal hepatic lesion. Normal "
        "portal venous opacification. The pancreas, spleen and adrenal glands appear "
        "normal. No pancreatic mass. Both kidneys enhance normally and symmetrically. No "
        "renal mass. No retroperitoneal lymphadenopathy."
    ),
    (
        "CT Abdomen + Pelvis C+\n"
        "Liver normal. No focal liver lesion. Gallbladder normal. Nil biliary "
        "dilatation. Pancreas normal. No pancreatic lesion. Kidneys normal. No renal "
        "lesion. Nil free fluid."
    ),
    (
        "Liver and biliary: There is no focal liver lesion. The biliary tree is not "
        "dilated. The gallbladder is thin walled.\n"
        "Pancreas: There is no pancreatic lesion. The duct is not dilated.\n"
        "Renal: There is no renal lesion. There is no hydronephrosis. Both ureters are "
        "normal in course and calibre."
    ),
    (
        "FINDINGS:\n"
        "Liver shows normal size, smooth outline and homogeneous enhancement. No focal "
        "lesion in liver. No intrahepatic biliary radicle dilatation.\n"
        "Pancreas shows normal size and enhancement. No focal lesion in pancreas. No "
        "peripancreatic fat stranding.\n"
        "Both kidneys show normal size, enhancement and excretion. No focal lesion in "
        "both kidneys. No hydronephrosis.\n"
        "Urinary bladder is well distended with normal wall thickness.\n"
        "IMPRESSION:\n"
        "No significant abnormality detected."
    ),
    (
        "Liver: No mass. No focal lesion. Normal enhancement.\n"
        "Pancreas: No mass or cyst. Normal enhancement. Duct is not dilated.\n"
        "Kidneys: No mass or cyst. Normal nephrograms bilaterally.\n"
        "Spleen: Normal.\n"
        "Nodes: None enlarged."
    ),
    (
        "Normal enhancement of the liver, spleen, pancreas and kidneys. No focal lesion "
        "of the liver. No pancreatic lesion. No renal lesion. No acute abdominal "
        "pathology."
    ),
    (
        "The liver is unremarkable and has no focal lesion. The portal, splenic and "
        "superior mesenteric veins are patent. The pancreas is unremarkable and has no "
        "mass. The pancreatic duct is nondilated. The kidneys are unremarkable and have "
        "no mass."
    ),
    (
        "HEPATOBILIARY: No focal hepatic lesion. No biliary ductal dilatation. "
        "Gallbladder is normal.\n"
        "PANCREAS: No focal lesion. No main duct dilatation.\n"
        "GENITOURINARY: No renal mass. No hydronephrosis. Bladder is unremarkable.\n"
        "GASTROINTESTINAL: No bowel obstruction.\n"
        "IMPRESSION: Normal CT."
    ),
    (
        "No focal liver lesion. Patent portal and hepatic veins. No intrahepatic or "
        "extrahepatic bile duct dilatation. Normal pancreatic parenchyma. No pancreatic "
        "mass. No pancreatic ductal dilatation. No renal mass. No hydronephrosis or "
        "hydroureter. No abdominal aortic aneurysm."
    ),
    (
        "Abdomen: The liver is homogeneous with no focal lesion. The gallbladder is "
        "contracted. The pancreas is homogeneous with no focal lesion. The spleen is "
        "homogeneous. The kidneys are symmetric with no focal lesion.\n"
        "Pelvis: The bladder is normal. The uterus is normal."
    ),
    (
        "1. Liver: normal. No focal lesion.\n"
        "2. Gallbladder: normal.\n"
        "3. Pancreas: normal. No mass.\n"
        "4. Spleen: normal.\n"
        "5. Kidneys: normal. No mass.\n"
        "6. Bladder: normal.\n"
        "Impression: Normal abdominal CT."
    ),
    (
        "FINDINGS\n"
        "LIVER\n"
        "The liver is normal. No focal lesion.\n"
        "PANCREAS\n"
        "The pancreas is normal. No mass.\n"
        "KIDNEYS\n"
        "The kidneys are normal. No mass.\n"
        "IMPRESSION\n"
        "Normal examination."
    ),
    (
        "The lung bases are clear. The liver is normal in size without focal "
        "abnormality. No liver lesion. The pancreas is without mass or inflammation. The "
        "kidneys are without mass or hydronephrosis. There is no bowel dilatation. No "
        "collections."
    ),
    (
        "Liver parenchyma is homogeneous. There is no liver lesion. Hepatic vessels are "
        "patent. The pancreas is preserved in size. There is no pancreatic mass. Renal "
        "contours are smooth. There is no renal mass. Contrast excretion is symmetric."
    ),
    (
        "Liver: Mild hepatic steatosis. No focal lesion.\n"
        "Gallbladder: Cholelithiasis without cholecystitis.\n"
        "Pancreas: No mass or ductal dilatation.\n"
        "Kidneys: Nonobstructing left renal calculus. No renal mass.\n"
        "Colon: Diverticulosis without diverticulitis.\n"
        "Impression: 1. Hepatic steatosis. 2. Cholelithiasis."
    ),
    (
        "No liver lesion. No intrahepatic biliary dilatation. The CBD measures 4 mm. No "
        "pancreatic lesion. No renal lesion. The spleen measures 10 cm. The aorta is 2 "
        "cm in diameter."
    ),
    (
        "Liver: Normal morphology. Normal attenuation. No focal lesions identified.\n"
        "Pancreas: Normal contour. No mass identified. No pancreatic duct dilatation "
        "identified.\n"
        "Kidneys: Normal cortical thickness. No mass identified."
    ),
    (
        "Solid organs: The liver, spleen, pancreas, kidneys and adrenals are normal. "
        "There is no hepatic lesion. There is no pancreatic mass. There is no renal "
        "mass.\n"
        "Hollow viscera: Normal.\n"
        "Vessels: Normal.\n"
        "Nodes: Normal.\n"
        "Bones: Normal."
    ),
    (
        "Normal appearance of the liver. No focal hepatic lesion. Normal appearance of "
        "the pancreas. No pancreatic mass. Normal appearance of both kidneys. No renal "
        "mass. No ascites or pneumoperitoneum. No enlarged nodes."
    ),
    (
        "FINDINGS: Liver normal in size, contour and density. No focal liver lesion. No "
        "bile duct dilation. Pancreas normal in size, contour and density. No pancreatic "
        "lesion. Kidneys normal in size, contour and density. No renal lesion. No "
        "hydronephrosis. Spleen normal. Adrenals normal.\n"
        "CONCLUSION: No abnormality."
    ),
    (
        "Liver: There is no focal lesion. The hepatic veins, portal vein and hepatic "
        "artery are patent. There is no biliary dilatation.\n"
        "Pancreas: There is no focal lesion. The duct is normal in caliber. There is no "
        "atrophy.\n"
        "Kidneys: There is no focal lesion. There is no hydronephrosis. The renal veins "
        "are patent."
    ),
    (
        "No hepatic lesion. Normal gallbladder. Common duct is not dilated. No "
        "pancreatic lesion. Spleen is not enlarged. No adrenal lesion. No renal lesion. "
        "No obstructive uropathy. Bowel loops are of normal caliber. Prostate is normal. "
        "No acute bony abnormality."
    ),
    (
        "CT ABDOMEN WITH CONTRAST\n"
        "\n"
        "The liver has no focal lesion.\n"
        "The gallbladder is normal.\n"
        "The pancreas has no mass.\n"
        "The spleen is normal.\n"
        "The kidneys have no mass.\n"
        "There is no adenopathy.\n"
        "\n"
        "IMPRESSION:\n"
        "No acute process."
    ),
    (
        "Liver enhances uniformly. No focal lesion in the liver. Pancreas enhances "
        "uniformly. No mass in the pancreas. Kidneys enhance and excrete normally. No "
        "mass in either kidney. No perinephric collection. Patent renal arteries."
    ),
)
